/** The address of a soft tone of this length: 8-bit mono WAV at 4 kHz. */
export function sampleSound(durationMs: number): string {
  const rate = 4000
  const samples = Math.round((durationMs / 1000) * rate)
  const bytes = new Uint8Array(44 + samples)
  const view = new DataView(bytes.buffer)
  const ascii = (at: number, text: string) => bytes.set(new TextEncoder().encode(text), at)
  ascii(0, 'RIFF')
  view.setUint32(4, 36 + samples, true)
  ascii(8, 'WAVEfmt ')
  view.setUint32(16, 16, true)
  view.setUint16(20, 1, true)
  view.setUint16(22, 1, true)
  view.setUint32(24, rate, true)
  view.setUint32(28, rate, true)
  view.setUint16(32, 1, true)
  view.setUint16(34, 8, true)
  ascii(36, 'data')
  view.setUint32(40, samples, true)
  for (let i = 0; i < samples; i++) bytes[44 + i] = 128 + 6 * Math.sin((i / rate) * 2 * Math.PI * 220)
  return URL.createObjectURL(new Blob([bytes], { type: 'audio/wav' }))
}
