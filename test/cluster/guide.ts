import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { writeOverlay } from '../demo/overlay.ts'
import { type Block, readPage } from '../docs/pages.ts'
import { runShell, type ShellResult } from '../fixtures/shell.ts'
import type { ClusterWorld } from './world.ts'

const root = new URL('../..', import.meta.url).pathname

/** A page whose commands are run as they stand, with the short intervals of the tests in place of manifests/base. */
export interface Guide {
  /** Those that are marked `sh`: what a reader is to run. */
  readonly blocks: readonly Block[]
  /** Runs all blocks under headings that begin so, as one script. */
  run(heading: string): Promise<ShellResult>
}

/** Makes the page of docs/ runnable: kubectl and this Node are on the PATH, files are written to the world's folder. */
export async function openGuide({ floor, folder, vpsie }: ClusterWorld, page: string): Promise<Guide> {
  const bin = join(folder, 'bin')
  const overlay = join(folder, 'overlay')
  await mkdir(bin, { recursive: true })
  await symlink(floor.binaries.kubectl, join(bin, 'kubectl'))
  await symlink(process.execPath, join(bin, 'node'))
  await writeOverlay(overlay)
  const blocks = readPage(`docs/${page}`).blocks.filter(({ lang }) => lang === 'sh')
  const env = {
    PATH: `${bin}:${dirname(process.execPath)}:${process.env.PATH}`,
    HOME: folder,
    KUBECONFIG: floor.adminKubeconfig,
    VPSIE_CA_FILE: vpsie.caFile,
  }
  return {
    blocks,
    run(heading) {
      const own = blocks.filter((block) => block.heading.startsWith(heading))
      if (own.length === 0) throw new Error(`${page} has no commands under "${heading}"`)
      const commands = own.map(({ text }) => text).join('\n')
      const here = commands
        .replaceAll('manifests/base', overlay)
        .replaceAll('before-upgrade.yaml', join(folder, 'before-upgrade.yaml'))
      return runShell(here, { cwd: root, env })
    },
  }
}
