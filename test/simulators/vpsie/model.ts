import type { Size } from './catalog.ts'

export type MachineState = 'building' | 'running' | 'deleting' | 'deleted'

/** One machine of the simulated cloud, from its order to long after its deletion. Times in milliseconds. */
export interface SimulatedMachine {
  readonly id: number
  readonly identifier: string
  /** As VPSie spells it, with capitals; its Node's name is the same in lower case. */
  readonly hostname: string
  readonly role: 'master' | 'slave'
  readonly clusterID: string
  readonly datacenterID: string
  readonly poolID: number | undefined
  readonly size: Size
  readonly address: string
  /** `repeat`: by a proxy that sent an order again. */
  orderedBy: 'api' | 'hand' | 'seed' | 'repeat'
  readonly createdAt: number
  /** What cloud-init reads; of plain VPS only. */
  readonly userData?: string
  state: MachineState
  runningAt?: number
  deletedAt?: number
}

export interface SimulatedPool {
  readonly id: number
  readonly identifier: string
  readonly name: string
  readonly clusterID: string
  readonly datacenterID: string
  readonly size: Size
  readonly createdAt: number
  deleted: boolean
}

/** A refusal, in VPSie's words and with its HTTP status. */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
