// Keeps the page true: after each decision the page is read again, and what differs is exchanged.

const connection = document.getElementById('connection')
const staleAfterMs = 40_000
let lastSign = Date.now()
let isReading = false
let isWanted = false

function say(text, tone) {
  if (connection.textContent === text) return
  connection.textContent = text
  connection.dataset.tone = tone
}

function localTimes(root) {
  for (const time of root.querySelectorAll('time[datetime]')) {
    const date = new Date(time.dateTime)
    time.title = time.dateTime
    time.textContent = date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'medium' })
  }
}

/** Exchanges the sections of the page that differ. What has the focus keeps it where it still is. */
function exchange(next) {
  const focused = document.activeElement
  const [id, href] = [focused?.id, focused?.getAttribute?.('href')]
  for (const section of next.querySelectorAll('main > section[id]')) {
    const shown = document.getElementById(section.id)
    localTimes(section)
    if (shown && shown.outerHTML !== section.outerHTML) {
      const scroll = shown.querySelector('.scroll')?.scrollLeft ?? 0
      const held = shown.contains(focused)
      shown.replaceWith(section)
      const box = section.querySelector('.scroll')
      if (box) box.scrollLeft = scroll
      if (held) refocus(section, id, href)
    }
  }
}

function refocus(section, id, href) {
  const same =
    (id && document.getElementById(id)) ||
    (href && [...section.querySelectorAll('a')].find((link) => link.getAttribute('href') === href)) ||
    section.querySelector('.scroll')
  same?.focus({ preventScroll: true })
}

async function read() {
  isWanted = true
  if (isReading) return
  isReading = true
  try {
    while (isWanted) {
      isWanted = false
      const response = await fetch(location.href, { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(10_000) })
      if (response.redirected) return location.assign(response.url)
      if (!response.ok) throw new Error(`status ${response.status}`)
      exchange(new DOMParser().parseFromString(await response.text(), 'text/html'))
      say('live', 'good')
    }
  } catch {
    say('not live: the controller does not answer', 'bad')
  } finally {
    isReading = false
  }
}

localTimes(document)
say('live', 'good')
const events = new EventSource('/events')
events.addEventListener('decision', () => {
  lastSign = Date.now()
  read()
})
events.addEventListener('alive', () => {
  lastSign = Date.now()
})
events.addEventListener('error', () => {
  // A browser gives up after an answer that is no stream, such as that of a session that has ended.
  if (events.readyState === EventSource.CLOSED) read()
  say('not live: the connection is lost', 'bad')
})
setInterval(() => {
  if (Date.now() - lastSign > staleAfterMs) say('not live: nothing was heard for a while', 'bad')
}, 5_000)
