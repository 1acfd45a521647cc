/**
 * What the parts of an open meeting share. `OpenMeeting.svelte` creates the context; the components below it get it with
 * `getMeeting()`. A new pane therefore needs no properties and no change outside of itself but its entry in `panes.ts`.
 */
import { createContext, tick } from 'svelte'
import type { ExportChoices } from '../export/choices'
import type { Exports } from '../export/exports.svelte'
import type { Client } from '../lib/client'
import { errorMessage } from '../lib/error-message'
import { hasHours } from '../lib/format'
import { t } from '../lib/messages'
import type { JobView, SpeakersView, SummaryView, TranscriptionOptions, VersionView } from '../lib/types'
import { isWaiting, isWorkedOn } from '../library/job-status'
import type { Notes } from '../notes/notes.svelte'
import type { People } from '../people/people.svelte'
import type { FoundIn, Search } from '../search/search.svelte'
import type { MenuItem } from '../ui/Menu.svelte'
import { Find } from './find/find.svelte'
import type { SegmentMarks } from './find/segment-marks.svelte'
import type { MeetingKeys } from './keys'
import type { PaneId } from './panes'
import type { Playback } from './playback.svelte'
import type { Samples } from './samples.svelte'
import type { SegmentSelection } from './segment-selection.svelte'
import { SpeakerEdits } from './speaker-edits.svelte'
import { Speakers } from './speakers.svelte'
import { Transcript } from './transcript.svelte'
import { Versions } from './versions.svelte'

/** The properties of `Meeting.svelte`. */
export type MeetingProps = {
  client: Client
  /** The meeting as the library knows it; changes while it is worked on. */
  job: JobView
  playback: Playback
  /** Created if it is not given. */
  samples?: Samples
  /** The people whose names are suggested. */
  people?: People
  keys?: MeetingKeys
  /** The search in the archive, whose places are marked in the text. */
  search?: Search
  /** Shows the results of the search again. */
  onresults?: () => void
  /** Created if they are not given. */
  notes?: Notes
  /** Created if they are not given. */
  exports?: Exports
  /** Created if they are not given. */
  choices?: ExportChoices
  /** Opens the export sheet. */
  onexport?: (id: string) => void
  /** What the menu offers about the place of the meeting in the library, and the trash. */
  items?: () => MenuItem[]
  /** A command answered with the changed meeting, before the event about it arrives. */
  onchanged?: (job: JobView) => void
  /** Asks how to transcribe the meeting again; `change` is preselected. */
  onagain?: (id: string, change?: Partial<TranscriptionOptions>) => void
  /** Opens the page of people. */
  onpeople?: () => void
  /** The speakers of the meeting changed. */
  onspeakers?: (id: string, view: SpeakersView | null) => void
  /** Has screen readers say a text. */
  announce?: (text: string) => void
}

/** Which pane is open. It stays open when another meeting is opened. */
export class Panes {
  open = $state<PaneId | null>(null)
}

/** The properties of `OpenMeeting.svelte`: `Meeting.svelte` adds what outlives a change of meeting. */
export type MeetingContextProps = MeetingProps & {
  samples: Samples
  exports: Exports
  choices: ExportChoices
  panes: Panes
  notes: Notes
}

/** A longer selection is not what one looks for. */
const MOST_TO_FIND = 100

/** How long “Copied” is shown. */
const COPIED_MS = 3_000

export class MeetingContext {
  readonly #props: MeetingContextProps
  readonly id: string
  readonly transcript: Transcript
  readonly versions: Versions
  readonly speakers: Speakers
  readonly edits: SpeakerEdits

  readonly find: Find

  /** The selection in the list of segments; null while there is no list. */
  selection = $state.raw<SegmentSelection | null>(null)
  /** What is marked in the list of segments; null while there is no list. */
  marks = $state.raw<SegmentMarks | null>(null)
  /** The sources of the statement of a summary that was chosen last. */
  cited = $state.raw<readonly SummaryView['sections'][number]['statements'][number]['sources'][number][]>([])
  /** Counts how often find was opened: each time its field takes the focus. */
  findOpened = $state(0)
  #focusBeforeFind: Element | null = null
  /** Why the last action failed, and how to repeat it. */
  problem = $state.raw<{ message: string; retry: () => void } | null>(null)
  /** Whether something was copied just now. */
  copied = $state(false)
  /** The buttons that open the panes; a pane that is closed returns the focus to its own. */
  readonly paneButtons: Partial<Record<PaneId, HTMLElement | null>> = {}
  #copyTimes = $state(false)
  /** The part of the page that shows the text. */
  body = $state<HTMLElement>()
  #copiedTimer: ReturnType<typeof setTimeout> | undefined

  /** The older version that is shown in place of the current one. */
  old = $derived.by(() => (this.versions.shown?.kind === 'old' ? this.versions.shown : null))
  /** What is known of the version that is shown. */
  info = $derived.by(() => this.old?.page.transcript ?? this.transcript.info)
  /** The segments of the version that is shown. */
  segments = $derived.by(() => this.old?.page.lines ?? this.transcript.segments)
  hasText = $derived.by(() => this.transcript.segments.length > 0)
  /** Where the current text ends; null if there is none. */
  textUntilMs = $derived.by(() => this.transcript.segments.at(-1)?.end_ms ?? null)
  /** Whether times are shown with hours. */
  withHours = $derived.by(() => hasHours(this.job.duration_ms ?? this.textUntilMs))
  playable = $derived.by(() => this.playback.id === this.id && this.playback.canPlay)
  /** Why it cannot be transcribed again now; null if it can. */
  busy = $derived.by(() => {
    if (!this.job.is_here) return t('again.elsewhere')
    if (this.job.audio_removed_at !== null) return t('again.audio-removed')
    return isWorkedOn(this.job) || isWaiting(this.job) ? t('again.busy') : null
  })

  /** `props` are the properties of the component: reading them tracks their changes. One meeting for its lifetime. */
  constructor(props: MeetingContextProps) {
    const { client, job } = props
    this.#props = props
    this.#copyTimes = props.choices.copyTimes
    this.id = job.id
    this.transcript = new Transcript(client, job.id)
    this.versions = new Versions(client, job.id)
    this.speakers = new Speakers(client, job.id)
    this.edits = new SpeakerEdits(this)
    this.find = new Find(() => this.segments)
  }

  get job(): JobView {
    return this.#props.job
  }

  get client(): Client {
    return this.#props.client
  }

  get playback(): Playback {
    return this.#props.playback
  }

  get samples(): Samples {
    return this.#props.samples
  }

  get exports(): Exports {
    return this.#props.exports
  }

  get notes(): Notes {
    return this.#props.notes
  }

  /** What the menu offers about the place of the meeting in the library, and the trash. */
  get items(): MenuItem[] {
    return this.#props.items?.() ?? []
  }

  get panes(): Panes {
    return this.#props.panes
  }

  get people(): People | undefined {
    return this.#props.people
  }

  get keys(): MeetingKeys | undefined {
    return this.#props.keys
  }

  get search(): Search | undefined {
    return this.#props.search
  }

  /** What the search found in this meeting, if it was opened from the results; else null. */
  get found(): FoundIn | null {
    const found = this.search?.found
    return found?.id === this.id ? found : null
  }

  /** Shows the results of the search again. */
  showResults = () => this.#props.onresults?.()

  /** Opens the bar that finds words in the text, with the words that are selected. */
  openFind = (): void => {
    if (!this.find.open) this.#focusBeforeFind = document.activeElement
    const selected = getSelection()?.toString().trim() ?? ''
    const words = selected.length > MOST_TO_FIND || selected.includes('\n') ? '' : selected
    this.find.begin(this.marks?.topOrChosen() ?? 0, words)
    this.findOpened += 1
  }

  /** The focus goes to the line of the current hit, else back to where it was. */
  async closeFind(): Promise<void> {
    const { current } = this.find
    this.find.close()
    await tick()
    if (current && this.marks) await this.marks.focus(current.index)
    else if (this.#focusBeforeFind instanceof HTMLElement && this.#focusBeforeFind.isConnected)
      this.#focusBeforeFind.focus()
    else this.body?.querySelector<HTMLElement>('[data-line][tabindex="0"]')?.focus()
    this.#focusBeforeFind = null
  }

  /** Opens the page of people; undefined if there is none. */
  get openPeople(): (() => void) | undefined {
    return this.#props.onpeople
  }

  /** Asks how to transcribe the meeting again; undefined if that is not possible. */
  get transcribeAgain(): ((change?: Partial<TranscriptionOptions>) => void) | undefined {
    const { onagain } = this.#props
    return onagain && ((change) => onagain(this.id, change))
  }

  /** Takes over the changed meeting from the answer of a command. */
  update(job: JobView): void {
    this.#props.onchanged?.(job)
  }

  announce(text: string): void {
    this.#props.announce?.(text)
  }

  /** Runs an action; if it fails, that is shown with a button that repeats it. */
  async attempt(action: () => Promise<void>): Promise<void> {
    this.problem = null
    try {
      await action()
    } catch (reason) {
      this.problem = { message: errorMessage(reason), retry: () => void this.attempt(action) }
    }
  }

  cancel = () => this.attempt(async () => this.update(await this.client.cancel(this.id)))
  retry = () => this.attempt(async () => this.update(await this.client.retry(this.id)))

  /** Keeps the meeting from clean-up, or no longer. */
  togglePin = () => {
    const pinned = !this.job.pinned
    return this.attempt(async () => {
      const changed = await this.client.setPinned(this.id, pinned)
      this.update(changed)
      this.announce(t(pinned ? 'pin.said.kept' : 'pin.said.released', { title: changed.title }))
    })
  }

  /** Whether copied text has times; remembered. */
  get copyTimes(): boolean {
    return this.#copyTimes
  }

  set copyTimes(on: boolean) {
    this.#copyTimes = on
    this.#props.choices.copyTimes = on
  }

  /** Copies the text, or the segments with these indices. */
  copyTranscript = (markdown: boolean, range: readonly [number, number] | null = null) =>
    this.attempt(async () => {
      const [first, last] = range ? [this.segments[range[0]], this.segments[range[1]]] : []
      // The core takes the segments that begin before the end.
      const span: [number, number] | null = first && last ? [first.start_ms, last.start_ms + 1] : null
      await this.client.copyTranscript(this.id, { markdown, times: this.copyTimes, span })
      this.#showCopied()
    })

  /** Opens the export sheet. */
  openExport = () => this.#props.onexport?.(this.id)

  copyText = (text: string) =>
    this.attempt(async () => {
      await this.client.copyText(text)
      this.#showCopied()
    })

  #showCopied(): void {
    this.copied = true
    clearTimeout(this.#copiedTimer)
    this.#copiedTimer = setTimeout(() => (this.copied = false), COPIED_MS)
  }

  makeCurrent = (version: VersionView) =>
    this.attempt(async () => {
      this.update(await this.versions.makeCurrent(version))
      void this.transcript.fetch()
    })

  /** Shows the current version again. The focus goes to the text, because the button that did this disappears. */
  async showCurrent(): Promise<void> {
    this.versions.showCurrent()
    await tick()
    this.body?.querySelector<HTMLElement>('[data-line][tabindex="0"]')?.focus()
  }

  async closePane(): Promise<void> {
    const button = this.panes.open && this.paneButtons[this.panes.open]
    this.panes.open = null
    await tick()
    button?.focus()
  }

  /** Closes the pane where it covers the text. */
  async uncoverText(): Promise<void> {
    if (matchMedia('(max-width: 1099px)').matches) await this.closePane()
  }
}

export const [getMeeting, setMeeting] = createContext<MeetingContext>()
