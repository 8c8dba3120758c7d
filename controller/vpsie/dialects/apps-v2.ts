import Type from 'typebox'
import type { Dialect } from '../dialect.ts'
import { machineRow, toMachine } from '../machines.ts'
import { checked, listOf } from '../rows.ts'

const detail = Type.Object({ nodes: listOf(machineRow) })

/**
 * The dialect of the Go SDK govpsie: a cluster shows all machines in `nodes`, with a numeric id and a creation time
 * but without identifier, status and size.
 */
export const appsV2: Dialect = {
  name: 'apps-v2',
  prefix: '/apps/v2',
  headers: ['authorization', 'vpsie-auth'],
  readMachines(data) {
    const { nodes } = checked(detail, data, 'data')
    return nodes.map((row, i) => toMachine(row, `data.nodes[${i}]`, 'unknown'))
  },
}
