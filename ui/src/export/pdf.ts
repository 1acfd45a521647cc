/**
 * Draws pages of PDF files. pdf.js is large, so it is loaded when the first file is drawn. The build for older browsers:
 * WebKit of a distribution lags behind.
 */
import type { PDFDocumentProxy } from 'pdfjs-dist'
import type { TextContent } from 'pdfjs-dist/types/src/display/api'

/** An open PDF file; `close` ends the work on it. */
export type Pdf = {
  pages: number
  /** Draws a page, counted from 1, in the width of the canvas in CSS pixels. */
  draw: (page: number, canvas: HTMLCanvasElement, width: number) => Promise<void>
  /** The text of a page, for screen readers. */
  text: (page: number) => Promise<string>
  close: () => void
}

/** More pixels than this are not worth the memory. */
const MAX_PIXEL_RATIO = 2

/** Opens a PDF file in base64. */
export async function openPdf(base64: string): Promise<Pdf> {
  const [pdfjs, worker] = await Promise.all([
    import('pdfjs-dist/legacy/build/pdf.mjs'),
    import('pdfjs-dist/legacy/build/pdf.worker.min.mjs?url'),
  ])
  pdfjs.GlobalWorkerOptions.workerSrc = worker.default
  const data = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))
  const loading = pdfjs.getDocument({ data })
  const file = await loading.promise
  return {
    pages: file.numPages,
    draw: (page, canvas, width) => draw(file, page, canvas, width),
    text: (page) => text(file, page),
    close: () => void loading.destroy(),
  }
}

async function draw(file: PDFDocumentProxy, number: number, canvas: HTMLCanvasElement, width: number) {
  const page = await file.getPage(number)
  const scale = (width * Math.min(devicePixelRatio, MAX_PIXEL_RATIO)) / page.getViewport({ scale: 1 }).width
  const viewport = page.getViewport({ scale })
  canvas.width = Math.round(viewport.width)
  canvas.height = Math.round(viewport.height)
  await page.render({ canvas, viewport }).promise
}

/** `getTextContent` of pdf.js iterates over a stream, which WebKit cannot do. */
async function text(file: PDFDocumentProxy, number: number): Promise<string> {
  const page = await file.getPage(number)
  const stream = page.streamTextContent() as ReadableStream<TextContent>
  const reader = stream.getReader()
  let all = ''
  for (let read = await reader.read(); !read.done; read = await reader.read())
    for (const item of read.value.items) if ('str' in item) all += item.str + (item.hasEOL ? '\n' : '')
  return all
}
