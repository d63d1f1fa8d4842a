/** Runs with liars, where the options ask for some. */
import { checkHostile, type SimOptions } from '../options.ts'
import type { Guards } from '../plot.ts'
import { Simulation } from '../simulation.ts'
import { attackOf } from './attacks.ts'
import { Conspiracy } from './conspiracy.ts'

/** The run that these options ask for, and its liars' brain where there is one. */
export function stage(options: SimOptions, guards?: Guards): { simulation: Simulation; plot?: Conspiracy } {
  if (options.hostile.length === 0) return { simulation: new Simulation(options, guards) }
  checkHostile(options)
  const plot = new Conspiracy(options, options.liars, options.hostile.map(attackOf))
  return { simulation: new Simulation(options, guards, plot), plot }
}
