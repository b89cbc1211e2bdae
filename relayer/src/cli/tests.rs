use clap::{CommandFactory as _, Parser as _};
use infrastrukt_api::{DealState, MessageState};

use super::args::{Cli, Command, DealsCommand, MessagesCommand, SwapCommand};

fn parse(line: &str) -> Result<Command, clap::Error> {
    Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command)
}

const ID: &str = "0x1111111111111111111111111111111111111111111111111111111111111111";

#[test]
fn the_definition_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn options_of_every_command_stand_anywhere() {
    for line in ["relayer --json --data-dir d chains", "relayer chains --json --data-dir d"] {
        let cli = Cli::try_parse_from(line.split_whitespace()).expect(line);
        assert!(cli.global.json);
        assert_eq!(cli.global.data_dir.as_deref(), Some(std::path::Path::new("d")));
    }
}

#[test]
fn a_swap_of_two() {
    let line = "relayer swap new --as alice --with bob --give eip155:31337/native:1 --want eip155:56/native:5 --json";
    let Ok(Command::Swap(swap)) = parse(line) else { panic!("{line}") };
    let SwapCommand::New(terms) = *swap else { panic!("{line}") };
    assert_eq!((terms.who.as_str(), terms.with.as_deref()), ("alice", Some("bob")));
    assert_eq!(terms.give.expect("given").amount, "1");
    assert_eq!(terms.lock_within.as_secs(), 600);
}

#[test]
fn a_deal_of_three() {
    let line =
        "relayer swap quote --as a --leg a=eip155:1/native:1>b --leg b=eip155:56/native:2>c --leg c=eip155:1/USDC:3>a";
    let Ok(Command::Swap(swap)) = parse(line) else { panic!("{line}") };
    let SwapCommand::Quote(terms) = *swap else { panic!("{line}") };
    assert_eq!(terms.leg.len(), 3);
    assert_eq!(terms.leg[2].payee, "a");
}

#[test]
fn a_deal_has_as_many_legs_as_are_given() {
    let solana = "solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1";
    let legs: Vec<String> = (0..8).map(|at| format!(" --leg p{at}={solana}/native:0.25>p{}", (at + 1) % 8)).collect();
    let line = format!("relayer swap new --as p0{}", legs.concat());
    let Ok(Command::Swap(swap)) = parse(&line) else { panic!("{line}") };
    let SwapCommand::New(terms) = *swap else { panic!("{line}") };
    assert_eq!(terms.leg.len(), 8);
    assert_eq!((terms.leg[7].party.as_str(), terms.leg[7].payee.as_str()), ("p7", "p0"));
    assert_eq!(terms.leg[7].asset.chain.as_str(), solana);
}

#[test]
fn states_are_written_as_in_json() {
    let Ok(Command::Deals(DealsCommand::List(deals))) = parse("relayer deals list --state settled") else { panic!() };
    assert_eq!(deals.state, Some(DealState::Settled));
    let Ok(Command::Messages(MessagesCommand::List(list))) = parse("relayer messages list --state Proven") else {
        panic!()
    };
    assert_eq!(list.state, Some(MessageState::Proven));
}

#[test]
fn what_is_wrong_is_refused() {
    for line in [
        "relayer",
        "relayer swap new --as alice",
        "relayer swap new --as alice --with bob --give eip155:1/native:1",
        "relayer swap new --as alice --with bob --give 1 --want eip155:56/native:5",
        "relayer swap new --as a --with b --give eip155:1/native:1 --want eip155:1/native:1 --leg a=eip155:1/native:1>b",
        "relayer swap accept 0x12 --as bob",
        "relayer start --only evm",
        "relayer start --devnet --only tron",
        "relayer swap watch --timeout soon",
        "relayer swap cancel 0x1111111111111111111111111111111111111111111111111111111111111111",
        "relayer swap cancel 0x1111111111111111111111111111111111111111111111111111111111111111 --as a --signature zz",
        "relayer send --as alice --from eip155:1 --to 56 --payload 0x00",
        "relayer send --as alice --from eip155:1 --to eip155:56 --payload xyz",
        "relayer deals list --state done",
    ] {
        assert!(parse(line).is_err(), "{line}");
    }
}

#[test]
fn every_command_is_there() {
    for line in [
        "relayer start --devnet --data-dir d".to_owned(),
        "relayer demo".into(),
        "relayer config validate".into(),
        "relayer config show".into(),
        format!("relayer swap accept {ID} --as bob --yes"),
        format!("relayer swap status {ID}"),
        format!("relayer swap watch {ID} --timeout 5m"),
        format!("relayer swap refund {ID} --as alice --wait"),
        format!("relayer swap cancel {ID} --as alice"),
        format!("relayer swap cancel {ID} --as alice --signature 0x01 --signature 0x02 --json"),
        "relayer swap history --as alice".into(),
        "relayer send --as alice --from eip155:31337 --to eip155:56 --payload 0x01 --deadline 1h".into(),
        "relayer bridge --as alice --from eip155:1 --to eip155:56 --token native --amount 1 --recipient bob".into(),
        format!("relayer messages show {ID}"),
        format!("relayer messages retry {ID}"),
        "relayer dlq list".into(),
        "relayer dlq show x".into(),
        "relayer dlq redrive x".into(),
        "relayer dlq drop x".into(),
        format!("relayer deals show {ID}"),
        "relayer chains".into(),
        "relayer keys new alice".into(),
        "relayer keys import alice".into(),
        "relayer keys list".into(),
        "relayer doctor".into(),
        "relayer completions bash".into(),
    ] {
        assert!(parse(&line).is_ok(), "{line}");
    }
}

#[test]
fn no_option_takes_a_key() {
    fn walk(command: &clap::Command) {
        for arg in command.get_arguments() {
            let name = arg.get_id().as_str();
            assert!(!name.contains("private") && name != "password" && name != "secret", "{name}");
        }
        command.get_subcommands().for_each(walk);
    }
    walk(&Cli::command());
}
