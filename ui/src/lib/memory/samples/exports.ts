/** Options, previews and checked files of exports. */
import {
  SUBTITLE_GUIDES,
  type BatchView,
  type ExportOptions,
  type Preview,
  type VerifiedExport,
} from '../../types'

/** The default options, with `change`. */
export function sampleOptions(change: Partial<ExportOptions> = {}): ExportOptions {
  return {
    speakers: true,
    times: 'segment',
    confidence: false,
    doubts: true,
    note: true,
    summary: true,
    statistics: true,
    language: 'english',
    paper: 'a4',
    contents: true,
    line_numbers: false,
    watermark: null,
    logo: true,
    audio: false,
    subtitles: SUBTITLE_GUIDES.netflix,
    ...change,
  }
}

/** A preview as text, with `change`. */
export function samplePreview(change: Partial<Preview> = {}): Preview {
  return { kind: 'text', content: '', is_cut: false, file_name: 'Panel discussion.md', note: null, ...change }
}

/** A batch under way, with `change`. */
export function sampleBatch(change: Partial<BatchView> = {}): BatchView {
  return {
    batch_id: 'batch-1',
    target: '/home/anna/Documents/Meetings',
    zip: false,
    total: 500,
    completed: 0,
    failed: 0,
    ended: false,
    error_message: null,
    failures: [],
    ...change,
  }
}

/** A file that is as it was exported, with `change`. */
export function sampleVerified(change: Partial<VerifiedExport> = {}): VerifiedExport {
  return {
    state: 'unchanged',
    message: 'This file is as it was exported, and so is the transcript of “Panel discussion”.',
    job_id: null,
    title: 'Panel discussion',
    exported_on: '2026-03-04',
    passages: [],
    ...change,
  }
}

/** A PDF file of pages with these lines, in base64. Characters that its font lacks are left out. */
export function samplePdf(pages: readonly (readonly string[])[]): string {
  const objects = ['<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>']
  const add = (object: string) => objects.push(object)
  const kids = pages.map((lines) => {
    const shown = lines
      .map((line) => `(${line.replace(/[^ -~]/g, '').replace(/[()\\]/g, '\\$&')}) Tj T*`)
      .join('\n')
    const stream = `BT /F1 11 Tf 16 TL 72 770 Td\n${shown}\nET`
    const content = add(`<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`)
    return add(
      `<< /Type /Page /Parent ${2 * pages.length + 2} 0 R /MediaBox [0 0 595 842] ` +
        `/Resources << /Font << /F1 1 0 R >> >> /Contents ${content} 0 R >>`,
    )
  })
  const tree = add(
    `<< /Type /Pages /Count ${kids.length} /Kids [${kids.map((kid) => `${kid} 0 R`).join(' ')}] >>`,
  )
  const root = add(`<< /Type /Catalog /Pages ${tree} 0 R >>`)
  let file = '%PDF-1.4\n'
  const places = objects.map((object, index) => {
    const place = file.length
    file += `${index + 1} 0 obj\n${object}\nendobj\n`
    return `${String(place).padStart(10, '0')} 00000 n \n`
  })
  const start = file.length
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${places.join('')}`
  file += `trailer\n<< /Size ${objects.length + 1} /Root ${root} 0 R >>\nstartxref\n${start}\n%%EOF\n`
  return btoa(file)
}
