import { registerHooks } from 'node:module'

// Loaded first (`node --import`) where types were taken out of the files already, as in the image. Node would still
// look for them in every .ts file, by a compiler in WebAssembly that then keeps 20 MiB of memory in each process.
registerHooks({
  load: (url, context, next) => next(url, url.endsWith('.ts') ? { ...context, format: 'module' } : context),
})
