export { memoryClient, type MemoryClient, type Seed } from './client'
export type { Transcript } from './transcripts'
export type { Version } from './versions'
export * from './samples'
