import { existsSync, readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import GithubSlugger from 'github-slugger'
import { marked, type Token, type Tokens } from 'marked'

const root = join(import.meta.dirname, '../..')

/** A page of the documentation, as far as it is checked. */
export interface Page {
  /** Path below the project. */
  file: string
  anchors: ReadonlySet<string>
  links: readonly string[]
  /** Texts in code letters within sentences and tables. */
  words: readonly string[]
  /** Fenced blocks in order. */
  blocks: readonly Block[]
}

export interface Block {
  lang: string
  text: string
  /** That it stands under. */
  heading: string
}

/** README, CHANGELOG and everything in docs. */
export async function readPages(): Promise<Page[]> {
  const docs = await readdir(join(root, 'docs'), { recursive: true })
  const files = [
    'README.md',
    'CHANGELOG.md',
    ...docs.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`),
  ]
  return files.sort().map(readPage)
}

/** Reads one, by its path below the project. */
export function readPage(file: string): Page {
  const tokens = marked.lexer(readFileSync(join(root, file), 'utf8'))
  const slugger = new GithubSlugger()
  const anchors = new Set<string>()
  const links: string[] = []
  const words: string[] = []
  const blocks: Block[] = []
  let heading = ''
  marked.walkTokens(tokens, (token: Token) => {
    if (token.type === 'heading') {
      heading = plain((token as Tokens.Heading).tokens)
      anchors.add(slugger.slug(heading))
    } else if (token.type === 'link' || token.type === 'image') links.push((token as Tokens.Link).href)
    else if (token.type === 'codespan') words.push((token as Tokens.Codespan).text)
    else if (token.type === 'code')
      blocks.push({ lang: (token as Tokens.Code).lang ?? '', text: (token as Tokens.Code).text, heading })
  })
  return { file, anchors, links, words, blocks }
}

function plain(tokens: readonly Token[] = []): string {
  return tokens
    .map((token) =>
      'tokens' in token && token.tokens ? plain(token.tokens) : 'text' in token ? token.text : '',
    )
    .join('')
}

/** What is wrong with the page's links: a file or heading that is not there. */
export function brokenLinks({ file, links, anchors }: Page, pages: readonly Page[]): string[] {
  return links.flatMap((link) => {
    if (/^https?:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? file : relative(root, join(root, dirname(file), path))
    if (!existsSync(join(root, target))) return [`${file}: link to ${link}: there is no ${target}`]
    if (anchor === undefined) return []
    const known = path === '' ? anchors : pages.find((page) => page.file === target)?.anchors
    return known?.has(anchor) ? [] : [`${file}: link to ${link}: ${target} has no heading #${anchor}`]
  })
}

const folders = ['agent', 'certs', 'common', 'controller', 'docs', 'manifests', 'test', 'webhook']
const path = new RegExp(`^(?:${folders.join('|')})/[\\w./-]*$`)

/** Paths of the project that the page names in code letters and that are not there. */
export function missingPaths({ file, words }: Page): string[] {
  return words
    .filter((word) => path.test(word) && !word.includes('*'))
    .filter((word) => !existsSync(join(root, word)))
    .map((word) => `${file}: there is no ${word}`)
}
