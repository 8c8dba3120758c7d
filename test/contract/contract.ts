import type { Test } from 'tap'
import type { Floor } from '../floors/floor.ts'
import { customContract } from './custom.ts'
import { objectContract } from './objects.ts'
import { podContract } from './pods.ts'
import { userContract } from './users.ts'
import { watchContract } from './watches.ts'

/**
 * What our programs and tests rely on an API server for. The same assertions run on the simulator and on the real
 * one: where the simulator differs, it is wrong.
 */
export function contract(t: Test, floor: Floor): void {
  t.test('objects', async (t) => objectContract(t, floor))
  t.test('watches', async (t) => watchContract(t, floor))
  t.test('custom resources', async (t) => customContract(t, floor))
  t.test('pods', async (t) => podContract(t, floor))
  t.test('users', async (t) => userContract(t, floor))
}
