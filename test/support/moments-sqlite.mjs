// What a process with moments.mjs is given for the database: the same, with the moments around each commit.
import * as sqlite from '@photostructure/sqlite'
import { at, sync } from './moments.mjs'

export * from '@photostructure/sqlite'

/** The statements of a transaction, with the texts in them. */
let transaction = []

export class DatabaseSync extends sqlite.DatabaseSync {
  prepare(sql, ...rest) {
    const statement = super.prepare(sql, ...rest)
    const run = statement.run.bind(statement)
    const commit = () => {
      const written = transaction.join('\n')
      at('committing', written)
      const result = sync(run)
      at('committed', written)
      return result
    }
    const note = (...parameters) => {
      if (sql === 'BEGIN IMMEDIATE') transaction = []
      else transaction.push(sql, ...parameters.filter((one) => typeof one === 'string'))
      return run(...parameters)
    }
    Object.defineProperty(statement, 'run', { value: sql === 'COMMIT' ? commit : note })
    return statement
  }
}
