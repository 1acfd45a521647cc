/** The form for a server of one's own: what is typed, what is wrong with it, and the address that it means. */
import { t, type MessageKey } from '../lib/messages'
import type { DatabaseAddress, TlsMode } from '../lib/types'

/** The form as it is filled. */
export type ServerForm = {
  host: string
  port: string
  database: string
  user: string
  password: string
  /** Null until the user chooses: it then follows from the host. */
  tls: TlsMode | null
  certificate: string
}

export const EMPTY_FORM: ServerForm = {
  host: '',
  port: '5432',
  database: '',
  user: '',
  password: '',
  tls: null,
  certificate: '',
}

/** Encryption, the safest first. */
export const TLS_MODES: readonly TlsMode[] = ['verify-full', 'verify-ca', 'require', 'prefer', 'disable']

export const tlsLabel = (mode: TlsMode) => t(`database.tls.${mode}` satisfies MessageKey)
export const tlsNote = (mode: TlsMode) => t(`database.tls.${mode}.note` satisfies MessageKey)

/** Whether the host is this computer: its connections need no encryption. */
export function isLocal(host: string): boolean {
  return ['localhost', '127.0.0.1', '::1'].includes(host.trim()) || host.trim().startsWith('/')
}

/** The encryption that the form means. */
export function tlsOf({ tls, host }: ServerForm): TlsMode {
  return tls ?? (isLocal(host) ? 'disable' : 'verify-full')
}

/** Whether a certificate authority of one's own matters. */
export function checksCertificate(mode: TlsMode): boolean {
  return mode === 'verify-full' || mode === 'verify-ca'
}

/** What is missing or wrong, as a sentence; null if nothing is. */
export function problemOf(form: ServerForm): string | null {
  const port = Number(form.port)
  if (form.host.trim() === '') return t('database.form.no-host')
  if (!/^\d+$/.test(form.port.trim()) || port < 1 || port > 65_535) return t('database.form.no-port')
  if (form.database.trim() === '') return t('database.form.no-database')
  if (form.user.trim() === '') return t('database.form.no-user')
  return null
}

/** The address without the password. The form has no problem. */
export function addressOf(form: ServerForm): DatabaseAddress {
  const tls = tlsOf(form)
  const certificate = form.certificate.trim()
  return {
    host: form.host.trim(),
    port: Number(form.port),
    database: form.database.trim(),
    user: form.user.trim(),
    tls,
    root_certificate: checksCertificate(tls) && certificate !== '' ? certificate : null,
  }
}

/** The form that shows an address. */
export function formOf(address: DatabaseAddress): ServerForm {
  return {
    host: address.host,
    port: String(address.port),
    database: address.database,
    user: address.user,
    password: '',
    tls: address.tls,
    certificate: address.root_certificate ?? '',
  }
}
