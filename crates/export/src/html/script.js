
'use strict'
// Find, and play from a line. The page can be read without this script.
{
  const lines = [...document.querySelectorAll('.line')]
  const starts = lines.map((line) => Number(line.dataset.start))
  const player = document.getElementById('player')
  const sound = player.querySelector('audio')
  const problem = player.querySelector('[role=alert]')

  // --- Play ---

  let playing = -1

  function playFrom(milliseconds) {
    const start = () => {
      sound.currentTime = milliseconds / 1000
      sound.play()
    }
    if (sound.readyState >= HTMLMediaElement.HAVE_METADATA) start()
    else {
      sound.addEventListener('loadedmetadata', start, { once: true })
      sound.load()
    }
  }

  /** The index of the last line that begins at this time or before; -1 before the first. */
  function lineAt(milliseconds) {
    let [low, high] = [0, starts.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (starts[middle] <= milliseconds) low = middle + 1
      else high = middle
    }
    return low - 1
  }

  function isVisible(element) {
    const box = element.getBoundingClientRect()
    return box.bottom > 0 && box.top < innerHeight
  }

  function markPlaying() {
    const now = lineAt(Math.round(sound.currentTime * 1000))
    if (now === playing) return
    const before = lines[playing]
    // The page follows the sound unless the reader has scrolled away from it.
    const follow = !before || isVisible(before)
    before?.classList.remove('now')
    before?.removeAttribute('aria-current')
    playing = now
    const line = lines[now]
    line?.classList.add('now')
    line?.setAttribute('aria-current', 'true')
    if (follow && !sound.paused) line?.scrollIntoView({ block: 'nearest' })
  }

  /** Makes lines clickable, once there is a sound. */
  function offerPlaying() {
    if (document.body.classList.contains('sound')) return
    document.body.classList.add('sound')
    for (const link of document.querySelectorAll('.time')) {
      link.setAttribute('aria-label', `${player.dataset.play} ${link.textContent}`)
    }
    for (const line of document.querySelectorAll('.lines:first-child > .line')) {
      line.tabIndex = 0
      line.setAttribute('role', 'link')
    }
  }

  /** Plays from the place of an event, if there is one and no text is selected. */
  function playFromEvent(event) {
    if (!document.body.classList.contains('sound')) return
    const link = event.target.closest('.time')
    if (!link && !getSelection().isCollapsed) return
    const place = link ? document.getElementById(link.hash.slice(1)) : event.target.closest('[data-start]')
    if (!place) return
    event.preventDefault()
    playFrom(Number(place.dataset.start))
  }

  document.addEventListener('click', playFromEvent)
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.matches('.line')) playFromEvent(event)
  })
  sound.addEventListener('error', () => (problem.hidden = false))
  sound.addEventListener('loadedmetadata', () => (problem.hidden = true))
  sound.addEventListener('timeupdate', markPlaying)
  sound.addEventListener('seeked', markPlaying)
  if (sound.hasAttribute('src')) offerPlaying()
  player.querySelector('input')?.addEventListener('change', (event) => {
    const [file] = event.target.files
    if (!file) return
    if (sound.src) URL.revokeObjectURL(sound.src)
    sound.src = URL.createObjectURL(file)
    sound.hidden = false
    offerPlaying()
  })
  player.hidden = false

  // --- Find ---

  const MOST = 1000
  const form = document.getElementById('find')
  const [input, count] = [form.querySelector('input'), form.querySelector('output')]
  const canHighlight = 'highlights' in CSS
  let found = []
  let current = -1
  let texts

  /** The text of each line, with the text nodes it is made of. Times of words are left out. */
  function readTexts() {
    return lines.map((line) => {
      const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT)
      const nodes = []
      let text = ''
      while (walker.nextNode()) {
        const node = walker.currentNode
        if (node.parentElement.localName === 'small') continue
        nodes.push({ node, from: text.length })
        text += node.data
      }
      return { line, text, nodes }
    })
  }

  function rangeOf({ nodes }, from, to) {
    const range = document.createRange()
    const at = (position, isEnd) => {
      const { node, from: start } = nodes.findLast(({ from }) => (isEnd ? from < position : from <= position))
      return [node, position - start]
    }
    range.setStart(...at(from, false))
    range.setEnd(...at(to, true))
    return range
  }

  function find() {
    clear()
    const words = input.value.trim()
    if (words) {
      texts ??= readTexts()
      const pattern = new RegExp(words.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+'), 'giu')
      search: for (const entry of texts) {
        for (const match of entry.text.matchAll(pattern)) {
          found.push({ line: entry.line, range: rangeOf(entry, match.index, match.index + match[0].length) })
          if (found.length === MOST) break search
        }
      }
      if (canHighlight) CSS.highlights.set('found', new Highlight(...found.map(({ range }) => range)))
    }
    // The first one that is not above the window.
    const first = found.findIndex(({ range }) => range.getBoundingClientRect().bottom > 0)
    goTo(found.length ? Math.max(first, 0) : -1)
  }

  function clear() {
    found[current]?.line.classList.remove('found')
    if (canHighlight) CSS.highlights.clear()
    found = []
    current = -1
  }

  function goTo(index) {
    found[current]?.line.classList.remove('found')
    current = index
    const total = found.length === MOST ? `${MOST}+` : found.length
    count.textContent = input.value.trim() ? `${index + 1} / ${total}` : ''
    if (index < 0) return
    const { line, range } = found[index]
    if (canHighlight) {
      const highlight = new Highlight(range)
      highlight.priority = 1
      CSS.highlights.set('found-now', highlight)
    } else line.classList.add('found')
    const box = range.getBoundingClientRect()
    if (box.top < form.offsetHeight || box.bottom > innerHeight - player.offsetHeight) {
      scrollBy(0, box.top - innerHeight / 3)
    }
  }

  function step(by) {
    if (found.length) goTo((current + by + found.length) % found.length)
  }

  input.addEventListener('input', find)
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    step(1)
  })
  form.querySelector('[type=button]').addEventListener('click', () => step(-1))
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !event.shiftKey) return
    event.preventDefault()
    step(-1)
  })
  form.hidden = false
  addEventListener('beforeprint', () => {
    document.querySelector('details').open = true
  })
}
