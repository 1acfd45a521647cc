/** Every screen and state of the window, by name, on the client in memory. */
import { archiveScenes } from './archive'
import { databaseScenes } from './database'
import { exportScenes } from './export'
import { frameScenes } from './frame'
import { importScenes } from './imports'
import { libraryScenes } from './library'
import { meetingScenes } from './meeting'
import { modelScenes } from './models'
import { organiseScenes } from './organise'
import { peopleScenes } from './people'
import { rescueScenes } from './rescue'
import type { Scenes } from './scene'
import { searchScenes } from './search'
import { speakerScenes } from './speakers'
import { summaryScenes } from './summary'
import { versionScenes } from './versions'

export const scenes: Scenes = {
  ...frameScenes,
  ...libraryScenes,
  ...importScenes,
  ...meetingScenes,
  ...modelScenes,
  ...versionScenes,
  ...speakerScenes,
  ...peopleScenes,
  ...organiseScenes,
  ...exportScenes,
  ...searchScenes,
  ...summaryScenes,
  ...databaseScenes,
  ...archiveScenes,
  ...rescueScenes,
}
