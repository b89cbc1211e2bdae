//! Explores a model to its end, or until a property breaks; keeps counterexamples and follows them again.

use stateright::{Checker, Expectation, HasDiscoveries, Model, Representative};
use std::{
    fmt::Debug,
    hash::Hash,
    path::PathBuf,
    time::{Duration, Instant},
};

/// A model that can be searched.
pub(crate) trait Searchable:
    Model<State: Clone + Debug + PartialEq + Hash + Send + Sync + 'static, Action: Clone + Debug + PartialEq>
    + Send
    + Sync
    + 'static
{
}

impl<M> Searchable for M
where
    M: Model + Send + Sync + 'static,
    M::State: Clone + Debug + PartialEq + Hash + Send + Sync + 'static,
    M::Action: Clone + Debug + PartialEq,
{
}

/// Ends a search that would otherwise hold up the machine; a sound model is done long before.
const SEARCH_MAX: Duration = Duration::from_secs(240);

/// The same for the searches of `make model`.
const LARGE_SEARCH_MAX: Duration = Duration::from_secs(4 * 3_600);

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Explores everything, level by level, and asserts that there were at least so many states.
pub(crate) fn explore<M: Searchable>(model: M, least: usize) {
    let begin = Instant::now();
    let search = model.checker().threads(threads()).timeout(SEARCH_MAX);
    report(&search.spawn_bfs().join(), begin, SEARCH_MAX, least);
}

/// Explores everything up to symmetry. Depth first, which keeps nothing but 8 bytes a state and a stack.
pub(crate) fn explore_large<M: Searchable>(model: M, least: usize)
where
    M::State: Representative,
{
    let begin = Instant::now();
    let search = model.checker().threads(threads()).timeout(LARGE_SEARCH_MAX).symmetry();
    report(&search.spawn_dfs().join(), begin, LARGE_SEARCH_MAX, least);
}

fn report<M: Searchable>(checker: &impl Checker<M>, begin: Instant, limit: Duration, least: usize) {
    let (states, depth, took) = (checker.unique_state_count(), checker.max_depth(), begin.elapsed());
    println!("{states} unique states, depth {depth}, {} s", took.as_secs());
    assert!(took < limit, "the search was cut off after {states} states");
    checker.assert_properties();
    assert!(states >= least, "only {states} states, not {least}: the model has lost its freedom");
}

/// A mutant must break `property`. Its kept trace must do so as well, and must do no harm where the guard is in place.
/// With `UPDATE_TRACES` set, the shortest trace is written anew.
pub(crate) fn must_be_caught<M: Searchable>(name: &str, property: &'static str, mutant: fn() -> M, sound: &M) {
    let updates = std::env::var_os("UPDATE_TRACES").is_some();
    let search = mutant().checker().threads(if updates { 1 } else { threads() }).timeout(SEARCH_MAX);
    let checker = search.finish_when(HasDiscoveries::AnyOf([property].into())).spawn_bfs().join();
    let found = checker.discovery(property).unwrap_or_else(|| panic!("{name}: {property} was not broken"));
    let found: Vec<String> = found.into_actions().iter().map(|act| format!("{act:?}")).collect();
    println!("{name}: {property} is broken by {}", found.join(", "));
    if updates {
        write_trace(name, property, &found);
    }
    let (kept_property, trace) = read_trace(name);
    assert_eq!(kept_property, property, "{name}: the trace was kept for another property");
    assert!(breaks(&mutant(), property, &trace), "{name}: the kept trace breaks nothing: write it anew");
    assert_eq!(follow(sound, &trace), None, "{name}: the trace does harm although the guard is in place");
}

fn path_of(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/model/traces").join(format!("{name}.txt"))
}

fn write_trace(name: &str, property: &str, trace: &[String]) {
    std::fs::write(path_of(name), format!("{property}\n{}\n", trace.join("\n"))).expect("a trace is written");
}

/// A property and, line by line, the acts that break it.
fn read_trace(name: &str) -> (String, Vec<String>) {
    let text = std::fs::read_to_string(path_of(name)).expect("a trace is kept: UPDATE_TRACES=1 writes it");
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap_or_default(), lines.collect())
}

/// Follows a trace in the first initial state, leaves out what the model does not offer, and returns the first
/// property that breaks.
fn follow<M: Searchable>(model: &M, trace: &[String]) -> Option<&'static str> {
    walk(model, trace).into_iter().find_map(|state| broken(model, &state, |_| true))
}

/// The whole trace is offered, and its last state breaks `property`.
fn breaks<M: Searchable>(model: &M, property: &str, trace: &[String]) -> bool {
    let states = walk(model, trace);
    let last = states.last().and_then(|state| broken(model, state, |name| name == property));
    states.len() == trace.len() + 1 && last.is_some()
}

fn walk<M: Searchable>(model: &M, trace: &[String]) -> Vec<M::State> {
    let mut states = vec![model.init_states().remove(0)];
    for act in trace {
        let steps = model.next_steps(&states[states.len() - 1]);
        states.extend(steps.into_iter().find(|(offered, _)| format!("{offered:?}") == *act).map(|(_, next)| next));
    }
    states
}

/// The first property of those asked for that this state breaks; one about the end of time only there.
fn broken<M: Searchable>(model: &M, state: &M::State, asked: impl Fn(&str) -> bool) -> Option<&'static str> {
    let ends = model.next_states(state).is_empty();
    let breaks = |expectation: &Expectation| match expectation {
        Expectation::Always => true,
        Expectation::Eventually => ends,
        Expectation::Sometimes => false,
    };
    let mut properties = model.properties().into_iter();
    let found = properties.find(|of| asked(of.name) && breaks(&of.expectation) && !(of.condition)(model, state));
    found.map(|property| property.name)
}
