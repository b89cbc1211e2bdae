//! Endpoints between the parties and the nodes: three for each party and chain, each of which passes everything on,
//! or lies, or says nothing.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use alloy::transports::http::reqwest::{self, Client};
use anyhow::Result;
use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde_json::Value;
use tokio::{net::TcpListener, sync::watch};

use super::{
    chain::Chain,
    files::VALIDATORS,
    lie::{self, Forgery},
    side::Side,
};

/// Endpoints of one party for one chain.
pub(crate) const ENDPOINTS: usize = 3;

/// How an endpoint behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conduct {
    Honest,
    /// Leaves out an event.
    Omits,
    /// Adds an event that never was.
    Invents,
    /// Speaks for another fork, on which real blocks are made.
    Forks,
    /// Takes every question and answers none.
    Stalls,
}

/// Answers by the conduct that they came from.
type Tally = [AtomicU64; 5];

/// What all endpoints of a chain have in common.
struct Source {
    chain: Arc<Chain>,
    client: Client,
    lies: Arc<Tally>,
    forgery: Arc<Mutex<Option<Forgery>>>,
}

#[derive(Clone)]
struct Endpoint {
    source: Arc<Source>,
    conduct: watch::Receiver<Conduct>,
}

/// One endpoint from outside.
struct Handle {
    url: String,
    conduct: watch::Sender<Conduct>,
}

/// One party's endpoints by chain.
type View = [Vec<Handle>; 2];

/// The endpoints of all parties.
pub(crate) struct Views {
    relayer: View,
    validators: Vec<View>,
    lies: Arc<Tally>,
    forgery: Arc<Mutex<Option<Forgery>>>,
}

impl Views {
    /// Opens them all; every one is honest.
    pub(crate) async fn open(chains: &[Arc<Chain>; 2]) -> Result<Self> {
        let (lies, forgery) = (Arc::<Tally>::default(), Arc::<Mutex<Option<Forgery>>>::default());
        let client = Client::new();
        let sources = chains.each_ref().map(|chain| {
            let (chain, client, lies, forgery) = (chain.clone(), client.clone(), lies.clone(), forgery.clone());
            Arc::new(Source { chain, client, lies, forgery })
        });
        let relayer = view(&sources).await?;
        let mut validators = Vec::with_capacity(VALIDATORS);
        for _ in 0..VALIDATORS {
            validators.push(view(&sources).await?);
        }
        Ok(Self { relayer, validators, lies, forgery })
    }

    pub(crate) fn relayer_urls(&self, side: Side) -> Vec<String> {
        urls(&self.relayer, side)
    }

    pub(crate) fn validator_urls(&self, validator: usize, side: Side) -> Vec<String> {
        urls(&self.validators[validator], side)
    }

    /// Sets what the endpoints in one place do for everybody.
    pub(crate) fn conduct(&self, side: Side, place: usize, conduct: Conduct) {
        self.conduct_for_relayer(side, place, conduct);
        for validator in 0..VALIDATORS {
            self.conduct_for_validator(validator, side, place, conduct);
        }
    }

    /// The same for the relayer alone.
    pub(crate) fn conduct_for_relayer(&self, side: Side, place: usize, conduct: Conduct) {
        self.relayer[side.place()][place].conduct.send_replace(conduct);
    }

    /// The same for one validator alone.
    pub(crate) fn conduct_for_validator(&self, validator: usize, side: Side, place: usize, conduct: Conduct) {
        self.validators[validator][side.place()][place].conduct.send_replace(conduct);
    }

    /// Everybody hears the truth about a chain again.
    pub(crate) fn heal(&self, side: Side) {
        for place in 0..ENDPOINTS {
            self.conduct(side, place, Conduct::Honest);
        }
    }

    /// Which lock to invent.
    pub(crate) fn forge(&self, forgery: Option<Forgery>) {
        *self.forgery.lock().unwrap_or_else(PoisonError::into_inner) = forgery;
    }

    /// Answers of this conduct so far that were not what the node said.
    pub(crate) fn lies(&self, conduct: Conduct) -> u64 {
        self.lies[conduct as usize].load(Ordering::Relaxed)
    }
}

fn urls(view: &View, side: Side) -> Vec<String> {
    view[side.place()].iter().map(|handle| handle.url.clone()).collect()
}

async fn view(sources: &[Arc<Source>; 2]) -> Result<View> {
    let [eth, bsc] = sources;
    Ok([endpoints(eth).await?, endpoints(bsc).await?])
}

async fn endpoints(source: &Arc<Source>) -> Result<Vec<Handle>> {
    let mut handles = Vec::with_capacity(ENDPOINTS);
    for _ in 0..ENDPOINTS {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (sender, conduct) = watch::channel(Conduct::Honest);
        let routes = Router::new()
            .route("/", post(answer))
            .layer(DefaultBodyLimit::disable())
            .with_state(Endpoint { source: source.clone(), conduct });
        // It serves until the program ends.
        tokio::spawn(async move { axum::serve(listener, routes).await });
        handles.push(Handle { url, conduct: sender });
    }
    Ok(handles)
}

async fn answer(State(mut endpoint): State<Endpoint>, question: Bytes) -> Response {
    let stalled = *endpoint.conduct.borrow() == Conduct::Stalls;
    if stalled {
        endpoint.source.count(Conduct::Stalls);
        // An error means that the run is over.
        let _ = endpoint.conduct.wait_for(|conduct| *conduct != Conduct::Stalls).await;
    }
    let conduct = *endpoint.conduct.borrow();
    match endpoint.source.answer(conduct, question).await {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => (StatusCode::BAD_GATEWAY, error.without_url().to_string()).into_response(),
    }
}

impl Source {
    fn count(&self, conduct: Conduct) {
        self.lies[conduct as usize].fetch_add(1, Ordering::Relaxed);
    }

    async fn answer(&self, conduct: Conduct, question: Bytes) -> Result<Bytes, reqwest::Error> {
        match conduct {
            Conduct::Honest | Conduct::Stalls => self.pass(self.chain.node.url(), question).await,
            Conduct::Forks => {
                self.count(conduct);
                self.pass(self.chain.fork.url(), question).await
            }
            Conduct::Omits | Conduct::Invents => {
                let truth = self.pass(self.chain.node.url(), question.clone()).await?;
                Ok(self.twist(conduct, &question, &truth).unwrap_or(truth))
            }
        }
    }

    async fn pass(&self, to: &str, question: Bytes) -> Result<Bytes, reqwest::Error> {
        let request = self.client.post(to).header(header::CONTENT_TYPE, "application/json").body(question);
        request.send().await?.bytes().await
    }

    /// The lie, where there is something to lie about.
    fn twist(&self, conduct: Conduct, question: &Bytes, truth: &Bytes) -> Option<Bytes> {
        let question: Value = serde_json::from_slice(question).ok()?;
        let mut answer: Value = serde_json::from_slice(truth).ok()?;
        let told = match question.as_array().cloned() {
            None => self.twist_one(conduct, &question, &mut answer),
            Some(questions) => {
                let mut told = false;
                for answer in answer.as_array_mut()? {
                    if let Some(question) = questions.iter().find(|question| question["id"] == answer["id"]) {
                        told |= self.twist_one(conduct, question, answer);
                    }
                }
                told
            }
        };
        if !told {
            return None;
        }
        self.count(conduct);
        Some(answer.to_string().into())
    }

    fn twist_one(&self, conduct: Conduct, question: &Value, answer: &mut Value) -> bool {
        let method = question["method"].as_str().unwrap_or_default();
        match conduct {
            Conduct::Omits => lie::omit(&self.chain, method, answer),
            Conduct::Invents => {
                let forgery = *self.forgery.lock().unwrap_or_else(PoisonError::into_inner);
                forgery.is_some_and(|forgery| lie::invent(&self.chain, &forgery, method, answer))
            }
            Conduct::Honest | Conduct::Forks | Conduct::Stalls => false,
        }
    }
}
