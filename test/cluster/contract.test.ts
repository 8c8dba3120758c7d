import t from 'tap'
import { contract } from '../contract/contract.ts'
import { openFloor } from './floor.ts'

const floor = await openFloor(t.comment, new AbortController().signal)
t.teardown(() => floor.stop())
contract(t, floor)
