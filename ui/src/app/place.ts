/** What the centre of the window shows. A page lies in front of the open meeting. */
export type Place = 'meeting' | 'search' | 'models' | 'people' | 'archive' | 'trash'

/** What lies over a place for a while; the place keeps its state below. */
export type Sheet = 'export' | 'check'
