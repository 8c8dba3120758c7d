import t from 'tap'
import { contract } from '../../contract/contract.ts'
import { openSimulatedFloor } from '../../floors/simulated.ts'

const floor = await openSimulatedFloor()
t.teardown(() => floor.stop())
contract(t, floor)
