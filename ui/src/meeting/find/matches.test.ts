import { describe, expect, test } from 'vitest'
import { matchesIn, needleOf, type FindOptions } from './matches'

const found = (text: string, wanted: string, change: Partial<FindOptions> = {}) => {
  const options = { matchCase: false, wholeWord: false, ...change }
  return matchesIn(text, needleOf(wanted, options), options).map(({ from, to }) => text.slice(from, to))
}

describe('without options', () => {
  test.each([
    ['The low Tide, the tidewater', 'tide', ['Tide', 'tide']],
    ['Dr Østergaard and Müller', 'ostergaard', ['Østergaard']],
    ['Dr Østergaard and Müller', 'muller', ['Müller']],
    ['Dr Østergaard', 'Østerg', ['Østerg']],
    ['Mu\u0308ller', 'müller', ['Mu\u0308ller']],
    ['die Straße', 'strasse', ['Straße']],
    ['die Strasse', 'straße', ['Strasse']],
    ['four o’clock', "o'clock", ['o’clock']],
    ['two\nlines', 'two lines', ['two\nlines']],
    ['aaaa', 'aa', ['aa', 'aa']],
    ['研究会の会議', '会', ['会', '会']],
    ['がか', 'か', ['か']],
    ['한국 하루', '하', ['하']],
    ['ﬁnd it', 'find', ['ﬁnd']],
    ['İstanbul', 'istanbul', ['İstanbul']],
    ['anything', '', []],
    ['any thing', ' ', []],
    ['a (b) [c] \\d', '(b) [c] \\d', ['(b) [c] \\d']],
    ['ebb', 'flood', []],
  ])('in %j, %j is found as %j', (text, wanted, expected) => {
    expect(found(text, wanted)).toEqual(expected)
  })

  test('half of a character that was folded to two letters is found as the whole', () => {
    expect(found('Straße', 'stras')).toEqual(['Straß'])
    expect(found('Maß', 's')).toEqual(['ß'])
  })
})

test.each([
  ['Tide tide TIDE', 'tide', ['tide']],
  ['Müller Muller', 'Muller', ['Muller']],
])('with case: in %j, %j is found as %j', (text, wanted, expected) => {
  expect(found(text, wanted, { matchCase: true })).toEqual(expected)
})

test.each([
  ['the tide, tidewater, ebb-tide', 'tide', ['tide', 'tide']],
  ['Östen and Ö', 'ö', ['Ö']],
  ['a 𝒳tide tide', 'tide', ['tide']],
  ['what?! what', 'what?!', ['what?!']],
  ['low tides low tide', 'low tide', ['low tide']],
])('whole words: in %j, %j is found as %j', (text, wanted, expected) => {
  expect(found(text, wanted, { wholeWord: true })).toEqual(expected)
})
