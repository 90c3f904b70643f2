//! Goes through every state that can be reached, the nearest first.

use super::guards::Setting;
use super::state::{Broken, State, effect, journal};
use super::steps;
use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;
use std::hash::{BuildHasherDefault, Hasher};

/// A step: who, and what it does.
#[derive(Clone, Copy)]
pub struct Step {
    pub who: &'static str,
    pub does: &'static str,
    pub what: &'static str,
}

/// Where the steps of a state are gathered.
pub struct Next {
    pub found: Vec<(Step, State)>,
    /// How many of them are no crashes: those come first.
    pub lively: usize,
}

impl Next {
    pub fn add(&mut self, who: &'static str, does: &'static str, what: &'static str, state: State) {
        let mut state = state;
        state.settle();
        self.found.push((Step { who, does, what }, state));
    }
}

/// What came of an exploration.
pub struct Explored {
    pub states: usize,
    pub broken: Broken,
    /// The shortest way to it, a step a line.
    pub trace: String,
}

/// Small numbers need no better one.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u8(*byte);
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(byte)).wrapping_mul(0x517c_c1b7_2722_0a95);
    }

    fn write_usize(&mut self, _: usize) {}

    fn write_isize(&mut self, number: isize) {
        self.write_u8(number as u8);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 29)
    }
}

struct Explorer<'a> {
    setting: &'a Setting,
    numbers: HashMap<State, u32, BuildHasherDefault<Mix>>,
    states: Vec<State>,
    parents: Vec<u32>,
    /// From and to, of what is no crash.
    edges: Vec<(u32, u32)>,
    ends: Vec<u32>,
}

/// Every kind of step that is taken anywhere: a model in which nothing happens holds every promise.
pub fn steps_taken(setting: &Setting) -> BTreeSet<String> {
    let mut explorer = Explorer::new(setting);
    explorer.run();
    let mut next = Next { found: Vec::new(), lively: 0 };
    let mut taken = BTreeSet::new();
    for state in &explorer.states {
        steps::all(state, setting, &mut next);
        taken.extend(next.found.iter().map(|(step, _)| (step.who, step.does)));
    }
    taken.into_iter().map(|(who, does)| format!("{who} {does}")).collect()
}

/// Explores until something breaks, or everything was seen.
pub fn explore(setting: &Setting) -> Explored {
    let mut explorer = Explorer::new(setting);
    let (broken, at) = explorer.run();
    let trace = if broken == Broken::Nothing { String::new() } else { explorer.trace(at) };
    Explored { states: explorer.states.len(), broken, trace }
}

impl<'a> Explorer<'a> {
    fn new(setting: &'a Setting) -> Self {
        Self {
            setting,
            numbers: HashMap::default(),
            states: Vec::new(),
            parents: Vec::new(),
            edges: Vec::new(),
            ends: Vec::new(),
        }
    }

    fn run(&mut self) -> (Broken, u32) {
        self.number(State::start(), 0);
        let mut next = Next { found: Vec::new(), lively: 0 };
        let mut at = 0;
        while at < self.states.len() {
            let state = self.states[at];
            if state.broken != Broken::Nothing {
                return (state.broken, at as u32);
            }
            steps::all(&state, self.setting, &mut next);
            if next.lively == 0 {
                let broken = judge_end(&state);
                if broken != Broken::Nothing {
                    return (broken, at as u32);
                }
                self.ends.push(at as u32);
            }
            for (index, (_, to)) in next.found.iter().enumerate() {
                let number = self.number(*to, at as u32);
                if index < next.lively {
                    self.edges.push((at as u32, number));
                }
            }
            at += 1;
        }
        self.find_livelock().map_or((Broken::Nothing, 0), |at| (Broken::Livelock, at))
    }

    fn number(&mut self, state: State, parent: u32) -> u32 {
        let number = self.states.len() as u32;
        let known = *self.numbers.entry(state).or_insert(number);
        if known == number {
            self.states.push(state);
            self.parents.push(parent);
        }
        known
    }

    /// A state from which no end can be reached, if there is one.
    fn find_livelock(&mut self) -> Option<u32> {
        self.edges.sort_unstable_by_key(|(_, to)| *to);
        let mut reaches = vec![false; self.states.len()];
        let mut open = std::mem::take(&mut self.ends);
        while let Some(at) = open.pop() {
            if std::mem::replace(&mut reaches[at as usize], true) {
                continue;
            }
            let begin = self.edges.partition_point(|(_, to)| *to < at);
            open.extend(self.edges[begin..].iter().take_while(|(_, to)| *to == at).map(|(from, _)| *from));
        }
        reaches.iter().position(|reaches| !reaches).map(|at| at as u32)
    }

    fn trace(&self, to: u32) -> String {
        let mut way = vec![to];
        while way[way.len() - 1] != 0 {
            way.push(self.parents[way[way.len() - 1] as usize]);
        }
        way.reverse();
        let mut text = String::new();
        let mut next = Next { found: Vec::new(), lively: 0 };
        for (index, pair) in way.windows(2).enumerate() {
            steps::all(&self.states[pair[0] as usize], self.setting, &mut next);
            let wanted = &self.states[pair[1] as usize];
            if let Some((step, _)) = next.found.iter().find(|(_, state)| state == wanted) {
                let line = format!("{:3}. {} {} {}", index + 1, step.who, step.does, step.what);
                let _ = writeln!(text, "{}", line.trim_end());
            }
        }
        text
    }
}

/// Whether a state from which nothing goes on is a proper end.
fn judge_end(state: &State) -> Broken {
    let nobody = state.keeper == 0 && state.worker == 0 && state.undoer == 0 && state.slots == [0; 4];
    if !nobody || state.hangs() || state.recoveries.iter().any(|recovery| recovery.at != 0) {
        return Broken::Deadlock;
    }
    if state.is_owed() || state.effects.contains(&effect::ON) {
        return Broken::LostDebt;
    }
    if matches!(state.journal, journal::MADE | journal::DURABLE) { Broken::Deadlock } else { Broken::Nothing }
}
