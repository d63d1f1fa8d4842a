/** Comma-separated values (RFC 4180) that come from other parties and are opened with spreadsheets. */

/** What spreadsheets take for the beginning of a formula. */
const FORMULA = /^[=+\-@\t\r]/

/**
 * One line, without its end. The last cell may be of a number's type, which begins with a sign; in any other, what a spreadsheet
 * would compute is given a `'` before it, as spreadsheets write it themselves.
 */
export function csvLine(cells: readonly string[], lastType = ''): string {
  return cells
    .map((cell, index) => {
      const isNumber = index === cells.length - 1 && (lastType === 'decimal' || lastType === 'integer')
      const text = !isNumber && FORMULA.test(cell) ? `'${cell}` : cell
      return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
    })
    .join(',')
}
