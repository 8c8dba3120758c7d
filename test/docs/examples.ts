import { join } from 'node:path'
import { runShell } from '../fixtures/shell.ts'
import type { Page } from './pages.ts'

const root = join(import.meta.dirname, '../..')

/**
 * Runs every block that is marked `console`: lines that begin with `$ ` are commands, and what stands below one is exactly
 * what it prints. They need nothing but the project. Gives what came out otherwise.
 */
export async function wrongExamples({ file, blocks }: Page): Promise<string[]> {
  const wrong: string[] = []
  for (const { lang, text } of blocks) {
    if (lang !== 'console') continue
    for (const { command, output } of transcript(text)) {
      const { output: printed } = await runShell(command, {
        cwd: root,
        env: { PATH: `${join(root, 'node_modules/.bin')}:${process.env.PATH}`, HOME: '/nonexistent' },
        withinMs: 60_000,
      })
      if (printed.trimEnd() !== output)
        wrong.push(`${file}: $ ${command}\nprints\n${printed.trimEnd()}\nand not\n${output}`)
    }
  }
  return wrong
}

function transcript(text: string): { command: string; output: string }[] {
  const found: { command: string; lines: string[] }[] = []
  let isOpen = false
  for (const line of text.split('\n')) {
    const last = found.at(-1)
    if (line.startsWith('$ ')) found.push({ command: line.slice(2), lines: [] })
    else if (isOpen && last) last.command += `\n${line}`
    else last?.lines.push(line)
    isOpen = line.endsWith('\\')
  }
  return found.map(({ command, lines }) => ({ command, output: lines.join('\n').trimEnd() }))
}
