//! The running node: surfpool's block production on a thread of its own, and what it tells.

use crate::{args::Endpoints, chain::Chain, error::NodeError, signals, steer::Steering};
use std::{
    io::{self, Write},
    sync::mpsc::{self, RecvTimeoutError, SyncSender},
    thread,
    time::{Duration, Instant},
};
use surfpool_core::{
    runloops::start_local_surfnet_runloop,
    surfnet::{GeyserEvent, locker::SurfnetSvmLocker},
};
use surfpool_types::{
    BlockProductionMode, RpcConfig, SimnetCommand, SimnetConfig, SimnetEvent, SurfpoolConfig,
    channel::{self, Receiver, Sender},
};

/// Time to serve after the start. Surfpool reads all stored transactions first.
const START_LIMIT: Duration = Duration::from_secs(120);
/// Time to close the last block and the database.
const STOP_LIMIT: Duration = Duration::from_secs(30);
/// Transactions and controls that wait for block production; clients wait beyond that.
const MAX_COMMANDS: usize = 1024;
/// Notices that wait for the main thread; there are few in a run.
const MAX_NOTICES: usize = 16;

/// What the main thread waits for.
#[derive(Debug)]
pub(crate) enum Notice {
    /// Both servers serve.
    Started,
    /// A server gave up.
    Aborted(String),
    /// Block production ended.
    Ended(Result<(), String>),
    /// SIGTERM or SIGINT came.
    StopRequested,
}

/// A node that produces blocks.
pub(crate) struct Node {
    locker: SurfnetSvmLocker,
    commands: Sender<SimnetCommand>,
    notices: mpsc::Receiver<Notice>,
}

impl Node {
    /// Starts servers and block production, by the clock unless the node is steered.
    ///
    /// # Errors
    /// The system refuses a thread or a signal handler. What fails later comes as a notice.
    pub(crate) fn start(chain: Chain, endpoints: Endpoints, slot_ms: u64, is_steered: bool) -> Result<Self, NodeError> {
        let (notify, notices) = mpsc::sync_channel(MAX_NOTICES);
        signals::watch(notify.clone())?;

        let failed = |source| NodeError::Start { what: "the node's threads", source };
        let (commands, queued) = channel::bounded(MAX_COMMANDS);
        let Chain { svm, events, geyser } = chain;
        let locker = SurfnetSvmLocker::new(svm);
        let mode = if is_steered { BlockProductionMode::Manual } else { BlockProductionMode::Clock };
        let producer = Producer {
            locker: locker.clone(),
            config: config(endpoints, slot_ms, mode),
            commands: commands.clone(),
            queued,
            geyser,
        };
        let events_notify = notify.clone();
        let relay = move || relay(&events, &events_notify);
        thread::Builder::new().name("events".to_owned()).spawn(relay).map_err(failed)?;
        let produce = move || producer.run(&notify);
        thread::Builder::new().name("producer".to_owned()).spawn(produce).map_err(failed)?;
        Ok(Self { locker, commands, notices })
    }

    /// What moves the chain where it is steered.
    pub(crate) fn steering(&self) -> Steering {
        Steering { locker: self.locker.clone(), commands: self.commands.clone() }
    }

    /// Waits until both servers serve.
    ///
    /// # Errors
    /// They do not, or a signal came first.
    pub(crate) fn wait_until_started(&self) -> Result<(), NodeError> {
        match self.notices.recv_timeout(START_LIMIT) {
            Ok(Notice::Started) => Ok(()),
            Ok(Notice::StopRequested) => Err(NodeError::StoppedWhileStarting),
            Ok(Notice::Aborted(reason)) => Err(NodeError::Aborted(reason)),
            Ok(Notice::Ended(ended)) => Err(ended_unasked(ended)),
            Err(RecvTimeoutError::Timeout) => Err(NodeError::StartTimedOut(START_LIMIT)),
            Err(RecvTimeoutError::Disconnected) => Err(NodeError::EndedUnasked),
        }
    }

    /// Waits until a signal asks the node to stop.
    ///
    /// # Errors
    /// The node broke or was ended by a client.
    pub(crate) fn wait_for_stop(&self) -> Result<(), NodeError> {
        loop {
            match self.notices.recv() {
                Ok(Notice::Started) => {}
                Ok(Notice::StopRequested) => return Ok(()),
                Ok(Notice::Aborted(reason)) => return Err(NodeError::Aborted(reason)),
                Ok(Notice::Ended(ended)) => return Err(ended_unasked(ended)),
                Err(mpsc::RecvError) => return Err(NodeError::EndedUnasked),
            }
        }
    }

    /// Closes the block that is open, then the database.
    ///
    /// # Errors
    /// Block production fails at it or takes too long.
    pub(crate) fn stop(self) -> Result<(), NodeError> {
        for command in [SimnetCommand::SlotForward(None), SimnetCommand::Terminate(None)] {
            if self.commands.send(command).is_err() {
                // Block production has ended already, which was told when it did.
                return Ok(());
            }
        }
        let deadline = Instant::now() + STOP_LIMIT;
        loop {
            match self.notices.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(Notice::Ended(ended)) => return ended.map_err(NodeError::Runloop),
                Ok(Notice::Started | Notice::Aborted(_) | Notice::StopRequested) => {}
                Err(RecvTimeoutError::Timeout) => return Err(NodeError::StopTimedOut(STOP_LIMIT)),
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
        }
    }
}

/// What the producing thread takes with it.
struct Producer {
    locker: SurfnetSvmLocker,
    config: SurfpoolConfig,
    commands: Sender<SimnetCommand>,
    queued: Receiver<SimnetCommand>,
    geyser: Receiver<GeyserEvent>,
}

impl Producer {
    fn run(self, notify: &SyncSender<Notice>) {
        let ended = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
            Ok(runtime) => {
                let Self { locker, config, commands, queued, geyser } = self;
                let produced = runtime.block_on(start_local_surfnet_runloop(locker, config, commands, queued, geyser));
                let ended = produced.map_err(|error| error.to_string());
                // Tasks of open connections must not hold the end up.
                runtime.shutdown_background();
                ended
            }
            Err(error) => Err(format!("cannot start its runtime: {error}")),
        };
        // Nobody listens any more when the process is ending already.
        let _ = notify.send(Notice::Ended(ended));
    }
}

fn config(endpoints: Endpoints, slot_ms: u64, block_production_mode: BlockProductionMode) -> SurfpoolConfig {
    let simnet = SimnetConfig {
        offline_mode: true,
        remote_rpc_url: None,
        slot_time: slot_ms,
        block_production_mode,
        instruction_profiling_enabled: false,
        ..SimnetConfig::default()
    };
    let rpc = RpcConfig {
        bind_host: endpoints.rpc.ip().to_string(),
        bind_port: endpoints.rpc.port(),
        ws_port: endpoints.ws.port(),
        ..RpcConfig::default()
    };
    SurfpoolConfig { simnets: vec![simnet], rpc, ..SurfpoolConfig::default() }
}

/// Passes on what matters; whoever emits an event waits for room in the queue, so that all must be taken.
fn relay(events: &Receiver<SimnetEvent>, notify: &SyncSender<Notice>) {
    for event in events {
        let notice = match event {
            SimnetEvent::CoreStarted(_) => Notice::Started,
            SimnetEvent::Aborted(reason) => Notice::Aborted(reason),
            SimnetEvent::WarnLog(_, message) | SimnetEvent::ErrorLog(_, message) => {
                // A closed standard error is no reason to stop.
                let _ = writeln!(io::stderr(), "{message}");
                continue;
            }
            _ => continue,
        };
        if notify.send(notice).is_err() {
            return;
        }
    }
}

fn ended_unasked(ended: Result<(), String>) -> NodeError {
    match ended {
        Ok(()) => NodeError::EndedUnasked,
        Err(reason) => NodeError::Runloop(reason),
    }
}
