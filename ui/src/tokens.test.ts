import css from './tokens.css?raw'
import { describe, expect, test } from 'vitest'

const [light = '', dark = ''] = css.split(":root[data-theme='dark']")

type Rgb = [number, number, number]

function token(theme: string, name: string): Rgb {
  const hex = new RegExp(`--${name}: #([0-9a-f]{6});`).exec(theme)?.[1]
  if (!hex) throw new Error(`there is no colour ${name}`)
  return [0, 2, 4].map((at) => linear(parseInt(hex.slice(at, at + 2), 16) / 255)) as Rgb
}

const linear = (part: number) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
const luminance = ([r, g, b]: Rgb) => 0.2126 * r + 0.7152 * g + 0.0722 * b

function contrast(a: Rgb, b: Rgb): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

/** Simulation of three colour vision deficiencies at full severity, on linear RGB: Machado, Oliveira and Fernandes 2009. */
const EYES: Record<string, number[]> = {
  usual: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protan: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deutan: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritan: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
}

function seen([r, g, b]: Rgb, m: number[]): Rgb {
  const row = (at: number) => (m[at] ?? 0) * r + (m[at + 1] ?? 0) * g + (m[at + 2] ?? 0) * b
  return [row(0), row(3), row(6)].map((part) => Math.min(1, Math.max(0, part))) as Rgb
}

/** CIE L*a*b* with the white point of sRGB. */
function lab([r, g, b]: Rgb): Rgb {
  const f = (t: number) => (t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116)
  const x = f((0.4124564 * r + 0.3575761 * g + 0.1804375 * b) / 0.95047)
  const y = f(0.2126729 * r + 0.7151522 * g + 0.072175 * b)
  const z = f((0.0193339 * r + 0.119192 * g + 0.9503041 * b) / 1.08883)
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)]
}

/** The colour difference CIEDE2000, after Sharma, Wu and Dalal 2005. */
function difference([l1, a1, b1]: Rgb, [l2, a2, b2]: Rgb): number {
  const rad = Math.PI / 180
  const sum7 = (c: number) => Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7))
  const g = 0.5 * (1 - sum7((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2))
  const [x1, x2] = [a1 * (1 + g), a2 * (1 + g)]
  const [c1, c2] = [Math.hypot(x1, b1), Math.hypot(x2, b2)]
  const hue = (x: number, y: number) => (x === 0 && y === 0 ? 0 : (Math.atan2(y, x) / rad + 360) % 360)
  const [h1, h2] = [hue(x1, b1), hue(x2, b2)]
  const grey = c1 * c2 === 0
  const turn = grey ? 0 : h2 - h1 > 180 ? h2 - h1 - 360 : h2 - h1 < -180 ? h2 - h1 + 360 : h2 - h1
  const dh = 2 * Math.sqrt(c1 * c2) * Math.sin((turn / 2) * rad)
  const [lm, cm] = [(l1 + l2) / 2, (c1 + c2) / 2]
  const hm = grey
    ? h1 + h2
    : Math.abs(h1 - h2) <= 180
      ? (h1 + h2) / 2
      : h1 + h2 < 360
        ? (h1 + h2 + 360) / 2
        : (h1 + h2 - 360) / 2
  const t =
    1 -
    0.17 * Math.cos((hm - 30) * rad) +
    0.24 * Math.cos(2 * hm * rad) +
    0.32 * Math.cos((3 * hm + 6) * rad) -
    0.2 * Math.cos((4 * hm - 63) * rad)
  const [sl, sc, sh] = [
    1 + (0.015 * (lm - 50) ** 2) / Math.sqrt(20 + (lm - 50) ** 2),
    1 + 0.045 * cm,
    1 + 0.015 * cm * t,
  ]
  const rt = -Math.sin(2 * 30 * Math.exp(-(((hm - 275) / 25) ** 2)) * rad) * 2 * sum7(cm)
  const [l, c, h] = [(l2 - l1) / sl, (c2 - c1) / sc, dh / sh]
  return Math.sqrt(l * l + c * c + h * h + rt * c * h)
}

test('the colour difference agrees with published test data', () => {
  // Two pairs of the test data of Sharma, Wu and Dalal.
  expect(difference([50, 2.6772, -79.7751], [50, 0, -82.7485])).toBeCloseTo(2.0425, 4)
  expect(difference([22.7233, 20.0904, -46.694], [23.0331, 14.973, -42.5619])).toBeCloseTo(2.0373, 4)
})

describe('the twelve colours of speakers', () => {
  const numbers = Array.from({ length: 12 }, (_, index) => index + 1)

  test.each([
    ['light', light],
    ['dark', dark],
  ])('have enough contrast on every background: %s', (_, theme) => {
    for (const surface of ['bg', 'bg-side', 'bg-raised', 'bg-hover', 'accent-soft']) {
      for (const number of numbers) {
        const ratio = contrast(token(theme, `speaker-${number}`), token(theme, surface))
        expect(ratio, `${number} on ${surface}`).toBeGreaterThanOrEqual(4.5)
      }
    }
  })

  test.each(
    [
      ['light', light],
      ['dark', dark],
    ].flatMap(([name, theme]) => Object.keys(EYES).map((eyes) => [name ?? '', eyes, theme ?? ''] as const)),
  )('can be told apart: %s, %s vision', (_, eyes, theme) => {
    const colours = numbers.map((number) => lab(seen(token(theme, `speaker-${number}`), EYES[eyes] ?? [])))
    const pairs = colours.flatMap((one, index) => colours.slice(index + 1).map((two) => difference(one, two)))
    expect(pairs).toHaveLength(66)
    // The smallest difference is 10.94; a difference of 2.3 is just noticeable.
    expect(Math.min(...pairs)).toBeGreaterThan(10.5)
  })
})
