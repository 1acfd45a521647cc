import { openAnd } from './actions'
import type { Scenes } from './scene'
import { withVersions } from './version-samples'

export const versionScenes: Scenes = {
  'transcribe-again': {
    seed: withVersions,
    then: () => openAnd('Versions', 'Another language than in version 2…'),
  },
  'versions-pane': { seed: withVersions, then: () => openAnd('Versions') },
  'version-old': {
    seed: withVersions,
    then: () => openAnd('Versions', 'View version 1', 'Close versions'),
  },
  compare: {
    seed: withVersions,
    then: () => openAnd('Versions', 'Compare with current: version 1', 'Close versions', 'Next change'),
  },
  'compare-pane': { seed: withVersions, then: () => openAnd('Versions', 'Compare with current: version 1') },
  doubtful: { seed: withVersions, then: () => openAnd() },
}
