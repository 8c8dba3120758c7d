import Type from 'typebox'
import type { Dialect } from '../dialect.ts'
import { machineRow, mergeMachines, toMachine } from '../machines.ts'
import { badReply, checked, listOf, maybe } from '../rows.ts'

const rows = maybe(listOf(machineRow))
const detail = Type.Object({ nodes: rows, masters: rows, slaves: rows })

/**
 * The dialect of vpsieinc/vpsie-k8s-autoscaler: a cluster shows its machines in `nodes`, `masters` and `slaves`, each
 * with identifier, status and shape.
 */
export const v2: Dialect = {
  name: 'v2',
  prefix: '/v2',
  headers: ['authorization', 'vpsie-auth'],
  readMachines(data) {
    const { nodes, masters, slaves } = checked(detail, data, 'data')
    // An absent list must never be taken for an empty cluster.
    if (!nodes && !masters && !slaves) throw badReply('data', 'has none of nodes, masters and slaves')
    return mergeMachines([
      ...(nodes ?? []).map((row, i) => toMachine(row, `data.nodes[${i}]`, 'unknown')),
      ...(masters ?? []).map((row, i) => toMachine(row, `data.masters[${i}]`, 'controlPlane')),
      ...(slaves ?? []).map((row, i) => toMachine(row, `data.slaves[${i}]`, 'worker')),
    ])
  },
  vms: {
    prefix: '/v2',
    list: () => '/vm',
    order: ({
      hostname,
      projectID,
      datacenterID,
      sizeIdentifier,
      osImageID,
      sshKeyIDs,
      tags,
      notes,
      userData,
    }) => ({
      name: hostname,
      hostname,
      projectId: projectID,
      dcIdentifier: datacenterID,
      resourceIdentifier: sizeIdentifier,
      offering_id: sizeIdentifier,
      datacenter_id: datacenterID,
      os_image_id: osImageID,
      ssh_key_ids: sshKeyIDs,
      tags,
      notes,
      user_data: userData,
    }),
    remove: ({ numericID }) => (numericID === undefined ? undefined : { path: `/vm/${numericID}` }),
  },
}
