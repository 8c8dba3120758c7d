import { pageAudience } from '../access.ts'
import { viewerAccount } from '../options.ts'
import { type Html, html } from './html.ts'

/** The form that takes a token; `problem` says what was wrong with the last one. */
export function signInPage(problem: string | undefined): Html {
  return html`<div class="narrow"><h1>Sign in</h1>
${problem !== undefined && html`<p class="notice bad" role="alert">${problem}</p>`}
<form method="post" action="/sign-in" class="sign-in">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required maxlength="8192" autofocus aria-describedby="how">
<button>Sign in</button>
</form>
<p id="how">Whoever may make a token of the viewer's service account may look:</p>
<pre tabindex="0" aria-label="Command"><code>kubectl create token ${viewerAccount} -n kube-system --audience=${pageAudience} --duration=8h</code></pre>
<p class="fine">The token stays in the memory of this replica. Sign in again at another one.</p></div>`
}

/** What went wrong, with the way back. */
export function problemPage(title: string, message: string): Html {
  return html`<div class="narrow"><h1>${title}</h1><p class="notice bad" role="alert">${message}</p>
<p><a href="/">All of the cluster</a></p></div>`
}
