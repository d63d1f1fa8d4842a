// Writes what a vitest run came to into the file named by COUNTERSIGN_TEST_REPORT. Vitest's own JSON report
// leaves out why a test was skipped, and a skip without a reason is a defect here.
import { writeFileSync } from 'node:fs'

export default class {
  onTestRunEnd(modules, unhandledErrors) {
    const report = { passed: 0, failed: [], skipped: [], filteredOut: 0, unhandled: unhandledErrors.length }
    for (const module of modules) {
      const file = module.relativeModuleId
      // Errors outside a test: a file that does not load, a hook that throws.
      const broken = [module, ...module.children.allSuites()].filter((suite) => suite.errors().length > 0)
      for (const suite of broken) report.failed.push(suite === module ? file : `${file} > ${suite.fullName}`)
      for (const test of module.children.allTests()) {
        const { state, note } = test.result()
        const name = `${file} > ${test.fullName}`
        if (state === 'passed') report.passed += 1
        else if (state === 'failed') report.failed.push(name)
        else if (note !== undefined) report.skipped.push({ name, reason: note })
        else if (isWithin(test, broken))
          report.skipped.push({ name, reason: 'not run: its file or a hook failed' })
        else if (process.env.COUNTERSIGN_TEST_FILTERED) report.filteredOut += 1
        else report.failed.push(`${name} (skipped without a reason)`)
      }
    }
    writeFileSync(process.env.COUNTERSIGN_TEST_REPORT, JSON.stringify(report))
  }
}

/** Whether a test lies in one of these files or groups. */
function isWithin(test, suites) {
  for (let parent = test.parent; parent !== undefined; parent = parent.parent) {
    if (suites.includes(parent)) return true
  }
  return false
}
