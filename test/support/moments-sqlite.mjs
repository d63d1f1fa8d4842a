// What a process with moments.mjs is given for the database: the same, with the moments around each commit.
import * as sqlite from '@photostructure/sqlite'
import { at, sync } from './moments.mjs'

export * from '@photostructure/sqlite'

export class DatabaseSync extends sqlite.DatabaseSync {
  prepare(sql, ...rest) {
    const statement = super.prepare(sql, ...rest)
    if (sql === 'COMMIT') {
      const run = statement.run.bind(statement)
      const value = (...parameters) => {
        at('committing')
        const result = sync(() => run(...parameters))
        at('committed')
        return result
      }
      Object.defineProperty(statement, 'run', { value })
    }
    return statement
  }
}
