import { defineConfig } from 'vitest/config'
import areas from './test/areas.json' with { type: 'json' }

/**
 * One vitest project for each area of test/areas.json that has a folder; `scripts/test.mjs` runs them in
 * order.
 */
const projects = areas.flatMap(({ name, folder, timeoutMs, isolate, sequential }) =>
  folder === undefined
    ? []
    : [
        {
          test: {
            name,
            include: [`${folder}/**/*.test.ts`],
            testTimeout: timeoutMs,
            hookTimeout: timeoutMs,
            isolate,
            fileParallelism: sequential !== true,
          },
        },
      ],
)

export default defineConfig({ test: { projects, maxWorkers: '100%' } })
