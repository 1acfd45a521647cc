//! Which rows of a backup a restore loads.

use super::super::damage::Damage;
use super::super::layout::{ContentHash, Kind, ObjectName};
use super::super::manifest::{BackedUpMeeting, Header, Manifest};
use super::super::place::Backup;
use super::super::verify::{check_names, read_checked};
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, HashMap, HashSet};
use store::JobId;

/// Most damaged parts that a refusal names.
const NAMED: usize = 5;

/// What a restore loads, newest first.
pub(super) struct Selection {
    /// Of the newest snapshot that can be read, if there is one.
    pub(super) header: Option<Header>,
    pub(super) settings: Option<String>,
    /// Groups of equal migration step, newest step first.
    pub(super) groups: BTreeMap<std::cmp::Reverse<String>, Vec<ObjectName>>,
    /// The rows of meetings, by their object, as far as a manifest names them.
    pub(super) meetings: HashMap<ObjectName, JobId>,
    /// The audio of each meeting, as far as a manifest names it.
    pub(super) audio: HashMap<JobId, ContentHash>,
    /// The meetings of the newest snapshot in its order. Empty with `salvage`.
    pub(super) listed: Vec<BackedUpMeeting>,
    /// All objects in the backup, with the sizes of their content in bytes, if they have a size that content can have.
    pub(super) objects: BTreeMap<ObjectName, Option<u64>>,
    /// What is damaged. Sentences.
    pub(super) lost: Vec<String>,
    /// What else should be known. Sentences.
    pub(super) notes: Vec<String>,
}

impl Selection {
    /// The newest snapshot. A damaged backup is refused, or, with `salvage`, everything that is whole is selected: also
    /// from damaged manifests, from older snapshots, and from objects that no manifest names. Blocks.
    ///
    /// # Errors
    /// If the backup is damaged, with the names of what is.
    pub(super) fn of(backup: &Backup, salvage: bool) -> Result<Self> {
        let checked = check_names(backup)?;
        let newest = checked.newest();
        if !salvage {
            refuse_damage(&checked.damage, newest)?;
        }
        let mut selection = Self {
            header: newest.map(|manifest| manifest.header.clone()),
            settings: newest.and_then(|manifest| manifest.settings.clone()),
            groups: BTreeMap::new(),
            meetings: HashMap::new(),
            audio: HashMap::new(),
            listed: Vec::new(),
            objects: backup.objects()?,
            lost: checked.damage.iter().map(|damage| damage.sentence(newest)).collect(),
            notes: Vec::new(),
        };
        match (newest, salvage) {
            (Some(manifest), false) => {
                selection.add(manifest, &mut HashSet::new());
                let step = std::cmp::Reverse(manifest.header.schema_step.clone());
                let archive = manifest.archive_rows.iter().map(|rows| ObjectName::rows(&rows.sha256));
                let meetings = manifest.meetings.iter().map(|meeting| ObjectName::rows(&meeting.rows.sha256));
                selection.groups.insert(step, archive.chain(meetings).collect());
                selection.listed.clone_from(&manifest.meetings);
            }
            (_, false) => bail!("the backup has no readable snapshot"),
            (_, true) => selection.salvage(backup)?,
        }
        Ok(selection)
    }

    /// Reads all rows that would be loaded. Blocks.
    ///
    /// # Errors
    /// If one is damaged, with its name.
    pub(super) fn ensure_rows_are_whole(&self, backup: &Backup) -> Result<()> {
        self.groups.values().flatten().try_for_each(|name| {
            read_checked(backup, name, &mut std::io::sink()).with_context(|| damaged_rows(name))
        })
    }

    fn add(&mut self, manifest: &Manifest, seen: &mut HashSet<JobId>) -> Vec<ObjectName> {
        let mut rows = Vec::new();
        for meeting in &manifest.meetings {
            if !seen.insert(meeting.id) {
                continue;
            }
            let name = ObjectName::rows(&meeting.rows.sha256);
            self.meetings.insert(name.clone(), meeting.id);
            if let Some(audio) = meeting.audio.content() {
                self.audio.insert(meeting.id, audio.sha256);
            }
            rows.push(name);
        }
        rows
    }

    /// Selects the rows that are whole: those of the newest snapshot that has them, then those that no manifest names.
    fn salvage(&mut self, backup: &Backup) -> Result<()> {
        let manifests: Vec<Manifest> = backup
            .manifests()?
            .iter()
            .rev()
            .filter_map(|path| Manifest::salvage(&backup.text(path).ok()?).ok())
            .collect();
        if self.header.is_none() {
            self.header = manifests.first().map(|manifest| manifest.header.clone());
        }
        let mut damaged: HashSet<ObjectName> = HashSet::new();
        let mut wanted = Vec::new();
        let mut seen = HashSet::new();
        for manifest in &manifests {
            let whole: Vec<_> = manifest
                .meetings
                .iter()
                .filter(|meeting| {
                    let name = ObjectName::rows(&meeting.rows.sha256);
                    let whole = self.objects.contains_key(&name)
                        && !damaged.contains(&name)
                        && is_whole(backup, &name);
                    if !whole && damaged.insert(name.clone()) {
                        self.lost.push(format!("The text of “{}” is damaged in the backup.", meeting.title));
                    }
                    whole
                })
                .cloned()
                .collect();
            let whole = Manifest { meetings: whole, ..manifest.clone() };
            wanted.extend(self.add(&whole, &mut seen));
            let archive = manifest.archive_rows.iter().map(|rows| ObjectName::rows(&rows.sha256));
            wanted.extend(archive.filter(|name| self.objects.contains_key(name)).take(1));
        }
        // Objects of which the line in the manifest is lost.
        let named: HashSet<&ObjectName> = self.meetings.keys().collect();
        let is_unnamed = |name: &&ObjectName| {
            name.kind == Kind::Rows
                && !named.contains(name)
                && !damaged.contains(name)
                && !wanted.contains(name)
        };
        let unnamed: Vec<ObjectName> = self.objects.keys().filter(is_unnamed).cloned().collect();
        let mut found = Vec::new();
        for name in &unnamed {
            let mut text = Vec::new();
            if read_checked(backup, name, &mut text).is_err() {
                self.lost.push(Damage::object(name, "is damaged").sentence(None));
                continue;
            }
            match store::meeting_in(&text) {
                Ok(Some(id)) if seen.insert(id) => found.push((name.clone(), id)),
                Ok(None) if manifests.is_empty() => wanted.push(name.clone()),
                _ => {}
            }
        }
        for (name, id) in found {
            self.meetings.insert(name.clone(), id);
            wanted.push(name);
        }
        for name in wanted {
            let mut text = Vec::new();
            if read_checked(backup, &name, &mut text).is_ok()
                && let Some(step) = store::schema_step_of(&text)
            {
                let group = self.groups.entry(std::cmp::Reverse(step)).or_default();
                if !group.contains(&name) {
                    group.push(name);
                }
            }
        }
        self.lost.sort();
        self.lost.dedup();
        Ok(())
    }
}

fn is_whole(backup: &Backup, name: &ObjectName) -> bool {
    read_checked(backup, name, &mut std::io::sink()).is_ok()
}

/// Why nothing was restored from a backup in which these rows are damaged.
pub(super) fn damaged_rows(name: &ObjectName) -> String {
    format!(
        "the backup is damaged, so nothing was restored: {} (to bring back what is whole, add --salvage)",
        name.path()
    )
}

/// Fails if there is damage, and names it.
pub(super) fn refuse_damage(damage: &[Damage], manifest: Option<&Manifest>) -> Result<()> {
    if damage.is_empty() {
        return Ok(());
    }
    let mut named: Vec<String> = damage.iter().take(NAMED).map(|damage| damage.sentence(manifest)).collect();
    if damage.len() > NAMED {
        named.push(format!("{} more parts are damaged.", damage.len() - NAMED));
    }
    bail!(
        "the backup is damaged, so nothing was restored: {} To bring back what is whole, add --salvage",
        named.join(" ")
    )
}
