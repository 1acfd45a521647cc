export { memoryClient, type MemoryClient, type Seed } from './client'
export type { Transcript } from './stored'
export type { Version } from './stored'
export * from './samples'
