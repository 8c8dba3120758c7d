import { wrongExamples } from './examples.ts'
import { unknownNames } from './names.ts'
import { brokenLinks, missingPaths, readPages } from './pages.ts'

/**
 * `npm run docs:check`: links lead somewhere, paths, options, series, alerts, labels and annotations that are named exist,
 * and examples print what stands below them. Exit code 1 with a line for each mistake.
 */
const pages = await readPages()
const mistakes = [
  ...pages.flatMap((page) => [...brokenLinks(page, pages), ...missingPaths(page), ...unknownNames(page)]),
  ...(await Promise.all(pages.map(wrongExamples))).flat(),
]
for (const mistake of mistakes) process.stdout.write(`${mistake}\n`)
const count = (what: (page: (typeof pages)[number]) => number) =>
  pages.reduce((sum, page) => sum + what(page), 0)
process.stdout.write(
  `${pages.length} pages, ${count(({ links }) => links.length)} links, ${count(({ words }) => words.length)} names, ` +
    `${count(({ blocks }) => blocks.filter(({ lang }) => lang === 'console').length)} examples: ${mistakes.length} mistakes\n`,
)
process.exitCode = mistakes.length > 0 ? 1 : 0
