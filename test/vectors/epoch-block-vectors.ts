/** Ledger blocks of epochs (PROTOCOL EPO-2 to EPO-14): requests on the epoch, turns, TICKs. */
import { changeVectors } from './change-vectors.ts'
import { tickVectors } from './tick-vectors.ts'
import { turnVectors } from './turn-vectors.ts'
import { type Vector, Vectors } from './vector.ts'

export function epochBlockVectors(): Vector[] {
  const vectors = new Vectors()
  changeVectors(vectors)
  turnVectors(vectors)
  tickVectors(vectors)
  return vectors.all
}
