import { expect, test } from 'vitest'
import type { DatabaseAddress } from '../lib/types'
import { addressOf, EMPTY_FORM, formOf, problemOf, TLS_MODES, tlsLabel, tlsNote, tlsOf } from './server-form'

const filled = { ...EMPTY_FORM, host: ' db.example ', database: 'meetings', user: 'anna', password: 'secret' }

test('a filled form is an address without the password', () => {
  expect(problemOf(filled)).toBeNull()
  expect(addressOf(filled)).toEqual({
    host: 'db.example',
    port: 5432,
    database: 'meetings',
    user: 'anna',
    tls: 'verify-full',
    root_certificate: null,
  })
})

test.each([
  [{ host: ' ' }, /host/],
  [{ port: '' }, /port/],
  [{ port: '0' }, /port/],
  [{ port: '65536' }, /port/],
  [{ port: '5e3' }, /port/],
  [{ database: '' }, /database/],
  [{ user: '' }, /user/],
])('a form with %o says what is missing', (change, said) => {
  expect(problemOf({ ...filled, ...change })).toMatch(said)
})

test('encryption follows from the host until the user chooses it', () => {
  expect(tlsOf({ ...filled, host: 'localhost' })).toBe('disable')
  expect(tlsOf({ ...filled, host: '/run/postgresql' })).toBe('disable')
  expect(tlsOf({ ...filled, host: 'localhost.example' })).toBe('verify-full')
  expect(tlsOf({ ...filled, host: 'localhost', tls: 'require' })).toBe('require')
})

test('a certificate counts only where certificates are checked', () => {
  const certificate = ' /etc/ca.pem '
  expect(addressOf({ ...filled, certificate }).root_certificate).toBe('/etc/ca.pem')
  expect(addressOf({ ...filled, certificate, tls: 'require' }).root_certificate).toBeNull()
})

test('an address fills the form, with an empty password', () => {
  const address: DatabaseAddress = {
    host: 'db.example',
    port: 6000,
    database: 'meetings',
    user: 'anna',
    tls: 'verify-ca',
    root_certificate: '/etc/ca.pem',
  }
  expect(formOf(address).password).toBe('')
  expect(addressOf(formOf(address))).toEqual(address)
})

test('each kind of encryption has a label and a note of its own', () => {
  expect(new Set(TLS_MODES.map(tlsLabel)).size).toBe(TLS_MODES.length)
  expect(TLS_MODES.every((mode) => tlsNote(mode) !== '')).toBe(true)
})
