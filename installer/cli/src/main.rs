//! strongroom-installer: verify, plan, apply, resume, status, rollback, trust.

use clap::Parser;
use installer_cli::args::{Cli, Health, Medium, Start, TrustVerb, Verb};
use installer_cli::commands::{self, Bundle, Confirm, World};
use installer_cli::error::Failure;
use installer_cli::host_fs::RealFs;
use installer_cli::layout::Layout;
use installer_cli::service::{SelfCheck, Service, Systemd, systemd_runs};
use installer_cli::stop::Stop;
use installer_cli::teller::Teller;
use runtime_diag::{Diagnose, Exit};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut teller = Teller::fitting(cli.json);
    match run(&cli, &mut teller) {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            teller.error(&failure);
            failure.exit().into()
        }
    }
}

fn run(cli: &Cli, teller: &mut Teller) -> Result<(), Failure> {
    let layout = Layout::new(&cli.root);
    let stop = Stop::of_this_process();
    let mut world = World { fs: &RealFs, layout: &layout, teller, stop: &stop };
    let service = |health: &Health| service(&cli.root, health);
    match &cli.verb {
        Verb::Verify(medium) => commands::verify(&mut world, &bundle(medium)),
        Verb::Plan(medium) => commands::plan(&mut world, &bundle(medium)),
        Verb::Apply(apply) => {
            let mut service = service(&apply.health)?;
            commands::apply(&mut world, service.as_mut(), &bundle(&apply.medium), confirm(apply.yes)).map(drop)
        }
        Verb::Resume(resume) => {
            let mut service = service(&resume.health)?;
            let bundle = resume.from.clone().map(|from| Bundle { from, version: None, trust: None });
            commands::resume(&mut world, service.as_mut(), bundle.as_ref()).map(drop)
        }
        Verb::Status => commands::status(&world),
        Verb::Rollback(rollback) => {
            let mut service = service(&rollback.health)?;
            commands::rollback(&mut world, service.as_mut(), confirm(rollback.yes))
        }
        Verb::Trust { verb: TrustVerb::Show { trust } } => commands::trust_show(&world, trust.clone()),
        Verb::Trust { verb: TrustVerb::Recover { yes } } => {
            commands::trust_recover(&mut world, confirm(*yes)).map(drop)
        }
    }
}

fn bundle(medium: &Medium) -> Bundle {
    Bundle { from: medium.from.clone(), version: medium.version.clone(), trust: medium.trust.clone() }
}

fn confirm(yes: bool) -> Confirm {
    if yes { Confirm::Beforehand } else { Confirm::Ask }
}

/// systemd has one root; under any other the service is not ours to start.
fn service(root: &Path, health: &Health) -> Result<Box<dyn Service>, Failure> {
    let limit = Duration::from_secs(health.health_limit);
    let at_top = root == Path::new("/");
    match health.start.or(health.no_start.then_some(Start::None)) {
        Some(Start::Systemd) if !at_top => Err(Failure::Usage {
            problem: "`--start systemd` and `--root` do not go together".into(),
            remedy: "leave one of them out".into(),
        }),
        Some(Start::Systemd) => Ok(Box::new(Systemd { limit, tools: None })),
        None if at_top && systemd_runs() => Ok(Box::new(Systemd { limit, tools: None })),
        Some(Start::None) | None => Ok(Box::new(SelfCheck { limit })),
    }
}
