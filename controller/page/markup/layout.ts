import { type Content, type Html, html } from './html.ts'

export interface Layout {
  /** Of the document; the product's name is put after it. */
  title: string
  /** Whether there is somebody to sign out. */
  isSignedIn: boolean
  /** Whether the script keeps the page true. */
  isLive?: boolean
  main: Content
}

/** A whole document around the content of `main`. */
export function layout({ title, isSignedIn, isLive = false, main }: Layout): Html {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · VPSie autoscaler</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg" type="image/svg+xml">
${isLive && html`<script src="/live.js" type="module"></script>`}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<p class="brand"><a href="/">VPSie autoscaler</a></p>
${isLive && html`<p id="connection" class="connection" role="status">as of loading</p>`}
${isSignedIn && html`<form method="post" action="/sign-out"><button class="quiet">Sign out</button></form>`}
</header>
<main id="main" tabindex="-1">
${main}
</main>
</body>
</html>
`
}
