import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

/**
 * `node common/image/strip-types.ts FOLDER...` takes the types out of every TypeScript file below the folders, in place
 * and with all lines where they were. The image does it once, while it is built, so that a start needs not do it again
 * (`plain.mjs`). Files without types stay as they are, so that a second run changes nothing.
 */
for (const folder of process.argv.slice(2)) {
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue
    const file = join(folder, name)
    writeFileSync(file, stripTypeScriptTypes(readFileSync(file, 'utf8')))
  }
}
