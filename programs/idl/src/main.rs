//! Writes the IDL of the gateway program to `programs/artifacts/infrastrukt_gateway.json`, by compiling the program for
//! the host with Anchor's feature that prints it. Needs no Anchor command line.

use std::{fs, path::Path};

use anchor_lang_idl::{
    build::IdlBuilder,
    types::{Idl, IdlErrorCode, IdlInstructionAccountItem},
};
use infrastrukt_gateway::{
    addresses::{BRIDGE, CONFIG, ESCROW, FEES},
    errors::{GatewayError, REFUSALS},
};

fn main() -> anyhow::Result<()> {
    // Cargo sets it for what it runs, and Anchor's builder then has rustup replace the toolchain of that name.
    anyhow::ensure!(
        std::env::var_os("RUSTUP_TOOLCHAIN").is_none(),
        "write the IDL with `make idl`, not by `cargo run`"
    );
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut idl = IdlBuilder::new()
        .program_path(programs.join("gateway"))
        .resolution(true)
        .skip_lint(true)
        .cargo_args(vec!["--lib".to_owned()])
        .build()?;
    complete(&mut idl)?;
    let artifacts = programs.join("artifacts");
    fs::create_dir_all(&artifacts)?;
    fs::write(artifacts.join("infrastrukt_gateway.json"), serde_json::to_string_pretty(&idl)? + "\n")?;
    Ok(())
}

/// Adds what the program has in a form that Anchor's builder does not read: the errors, and where the accounts are that
/// exist once.
fn complete(idl: &mut Idl) -> anyhow::Result<()> {
    let first = u32::from(GatewayError::UnknownEpoch);
    idl.errors = (first..)
        .zip(REFUSALS)
        .map(|(code, (name, meaning))| IdlErrorCode {
            code,
            name: (*name).to_owned(),
            msg: Some((*meaning).to_owned()),
        })
        .collect();
    for item in idl.instructions.iter_mut().flat_map(|instruction| &mut instruction.accounts) {
        let IdlInstructionAccountItem::Single(account) = item else { anyhow::bail!("the program groups no accounts") };
        let address = match account.name.as_str() {
            "config" => CONFIG,
            "escrow" => ESCROW,
            "bridge" => BRIDGE,
            "fees" => FEES,
            _ => continue,
        };
        account.address = Some(address.to_string());
    }
    Ok(())
}
