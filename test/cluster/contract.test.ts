import t from 'tap'
import { contract } from '../contract/contract.ts'
import { openRealFloor } from '../floors/real.ts'

const floor = await openRealFloor(t.comment, new AbortController().signal)
t.teardown(() => floor.stop())
contract(t, floor)
