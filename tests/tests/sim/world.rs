//! Everything of one run, and the power to stop and start its processes.

use infrastrukt_api::Share;
use infrastrukt_hub::{api::Methods, validator::Validator};
use infrastrukt_protocol::Hub;
use infrastrukt_relayer::Pipeline;
use infrastrukt_types::ChainId;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    chains::{Chain, LEFT, RIGHT},
    dice::Dice,
    disk::{Disk, Trouble},
    env::Env,
    hub::{self, Front, Host},
    market::Market,
    net::{Net, Weather},
    party::{Life, Party, VALIDATORS},
    relayer,
    script::Script,
    time::{PartyClock, Skew},
    watch::Watch,
};

/// A process with the life it has.
struct Process<T> {
    life: Life,
    it: T,
}

#[derive(Default)]
struct Processes {
    front: Option<Process<Arc<Front>>>,
    hosts: BTreeMap<u8, Process<Host>>,
    relayer: Option<Process<Pipeline>>,
}

pub(crate) struct World {
    pub(crate) env: Arc<Env>,
    pub(crate) script: Script,
    pub(crate) hub: Arc<Hub>,
    pub(crate) chains: [Chain; 2],
    pub(crate) net: Net,
    pub(crate) watch: Watch,
    pub(crate) market: Market,
    disks: BTreeMap<Party, Arc<Disk>>,
    skews: BTreeMap<Party, Skew>,
    processes: Mutex<Processes>,
    /// Set once the hub is stopped for ever.
    hub_is_gone: AtomicBool,
    /// Set once no fault begins any more.
    is_calm: AtomicBool,
}

impl World {
    pub(crate) fn new(env: Arc<Env>, script: Script, mut dice: Dice) -> Arc<Self> {
        let seed = dice.below(u64::MAX);
        let disk = |party: Party| (party, Disk::new(party, env.clone(), dice.fork()));
        let disks = Party::CRASHING.into_iter().map(disk).collect();
        let traitors: BTreeSet<_> = script.traitor.iter().map(|_| hub::signer(TRAITOR).address()).collect();
        let chains = [Chain::new(LEFT, RIGHT, seed), Chain::new(RIGHT, LEFT, seed)];
        Arc::new(Self {
            market: Market::new(&chains),
            chains,
            net: Net::new(env.clone(), dice.fork()),
            watch: Watch::new(traitors),
            hub: Arc::new(Hub::new(hub::genesis())),
            disks,
            skews: Party::CRASHING.into_iter().map(|party| (party, Skew::default())).collect(),
            processes: Mutex::default(),
            hub_is_gone: AtomicBool::new(false),
            is_calm: AtomicBool::new(false),
            env,
            script,
        })
    }

    fn processes(&self) -> MutexGuard<'_, Processes> {
        self.processes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn disk(&self, party: Party) -> &Arc<Disk> {
        self.disks.get(&party).expect("everyone who crashes has a disk")
    }

    pub(crate) fn skew(&self, party: Party) -> &Skew {
        self.skews.get(&party).expect("everyone who crashes has a clock")
    }

    pub(crate) fn clock(&self, party: Party, life: Life) -> PartyClock {
        PartyClock { time: self.env.time.clone(), life, skew: self.skew(party).clone() }
    }

    pub(crate) fn chain(&self, id: ChainId) -> &Chain {
        let [left, right] = &self.chains;
        if left.id == id { left } else { right }
    }

    /// Whoever orders the log, while it runs.
    pub(crate) fn front(&self) -> Option<Arc<Front>> {
        self.processes().front.as_ref().filter(|front| !front.life.is_over()).map(|front| front.it.clone())
    }

    /// A validator, while it runs.
    pub(crate) fn validator(&self, index: u8) -> Option<Arc<Validator>> {
        let processes = self.processes();
        let host = processes.hosts.get(&index).filter(|host| !host.life.is_over())?;
        Some(host.it.lone.validator().clone())
    }

    /// The validators that run.
    pub(crate) fn validators(&self) -> Vec<Arc<Validator>> {
        (0..VALIDATORS).filter_map(|index| self.validator(index)).collect()
    }

    /// Lets a validator hear a share.
    pub(crate) fn hear(&self, index: u8, share: Share) {
        if let Some(host) = self.processes().hosts.get(&index) {
            // A validator that is not up yet hears nothing.
            let _ = host.it.hear.send(share);
        }
    }

    /// The interface, over the validators that the front reaches.
    pub(crate) fn methods(&self) -> Option<Methods> {
        let front = self.front()?;
        let reaches = |index: &u8| !self.net.is_cut(Party::Front, Party::Validator(*index));
        let reached: Vec<_> = (0..VALIDATORS).filter(reaches).filter_map(|index| self.validator(index)).collect();
        front.interface.over(reached.into())
    }

    /// What stopped in the relayer until it is started again.
    pub(crate) fn relayer_halts(&self) -> Vec<String> {
        self.processes().relayer.as_ref().map(|relayer| relayer.it.halted()).unwrap_or_default()
    }

    /// True for the validator that keeps to no rule.
    pub(crate) fn is_traitor(&self, index: u8) -> bool {
        index == TRAITOR && self.script.traitor.is_some()
    }

    /// True where this party never runs in this run, or not any more.
    pub(crate) fn is_absent(&self, party: Party) -> bool {
        match party {
            Party::Validator(index) => self.is_traitor(index) || self.hub_is_gone(),
            Party::Front => self.hub_is_gone(),
            Party::Relayer | Party::People => false,
        }
    }

    pub(crate) fn hub_is_gone(&self) -> bool {
        self.hub_is_gone.load(Ordering::Relaxed)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.is_calm.load(Ordering::Relaxed)
    }

    pub(crate) fn is_running(&self, party: Party) -> bool {
        let processes = self.processes();
        let life = match party {
            Party::Front => processes.front.as_ref().map(|process| &process.life),
            Party::Validator(index) => processes.hosts.get(&index).map(|process| &process.life),
            Party::Relayer => processes.relayer.as_ref().map(|process| &process.life),
            Party::People => return true,
        };
        life.is_some_and(|life| !life.is_over())
    }

    /// Starts a process from what its disk holds. It may die while it starts.
    pub(crate) fn start(self: &Arc<Self>, party: Party) {
        let life = Life::default();
        self.env.act("start", &[party.code()]);
        // Nothing else runs meanwhile: starting waits for nothing.
        let is_started = match party {
            Party::Front => Front::start(self, life.clone())
                .map(|front| self.processes().front = Some(Process { life: life.clone(), it: Arc::new(front) }))
                .is_ok(),
            Party::Validator(index) => Host::start(self, index, life.clone())
                .map(|host| drop(self.processes().hosts.insert(index, Process { life: life.clone(), it: host })))
                .is_ok(),
            Party::Relayer => relayer::start(self, &life)
                .map(|pipeline| self.processes().relayer = Some(Process { life: life.clone(), it: pipeline }))
                .is_ok(),
            Party::People => true,
        };
        if !is_started {
            life.end();
        }
    }

    /// Ends a process in the middle of whatever it does.
    pub(crate) fn kill(&self, party: Party) {
        self.env.act("end", &[party.code()]);
        let (mut front, mut host, mut relayer) = (None, None, None);
        {
            let mut processes = self.processes();
            match party {
                Party::Front => front = processes.front.take(),
                Party::Validator(index) => host = processes.hosts.remove(&index),
                Party::Relayer => relayer = processes.relayer.take(),
                Party::People => {}
            }
        }
        let lives = [
            front.as_ref().map(|process| &process.life),
            host.as_ref().map(|process| &process.life),
            relayer.as_ref().map(|process| &process.life),
        ];
        lives.into_iter().flatten().for_each(Life::end);
    }

    /// Stops the hub for ever.
    pub(crate) fn end_hub(&self) {
        self.hub_is_gone.store(true, Ordering::Relaxed);
        for party in Party::CRASHING {
            if self.is_absent(party) {
                self.kill(party);
            }
        }
    }

    /// Ends every fault.
    pub(crate) fn heal(&self) {
        self.env.act("heal", &[]);
        self.is_calm.store(true, Ordering::Relaxed);
        self.net.set_weather(Weather::default());
        self.net.set_island(BTreeSet::new());
        self.disks.values().for_each(|disk| disk.set_trouble(Trouble::default()));
        self.skews.values().for_each(|skew| skew.set(0));
        self.chains.iter().for_each(Chain::heal);
    }

    /// Drops every process, so that nothing outlives the run.
    pub(crate) fn close(&self) {
        for party in Party::CRASHING {
            self.kill(party);
        }
    }
}

/// The validator that is Byzantine where one is.
pub(crate) const TRAITOR: u8 = VALIDATORS - 1;
