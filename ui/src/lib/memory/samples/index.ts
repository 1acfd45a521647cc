/** Views as the core would send them, for tests and the page of states. */
export * from './imports'
export * from './meetings'
export * from './models'
export * from './people'
export * from './sound'
export * from './speakers'
export * from './transcripts'
export * from './versions'
