//! Projects, members and their events.

use appliance_app::ports::catalog::{Catalog, Change};
use appliance_app::ports::{Jobs, StoreErrorKind};
use appliance_domain::ProjectId;
use appliance_domain::job::JobKind;
use appliance_domain::media::PreviewStage;
use appliance_domain::names::ProjectName;
use appliance_domain::people::ProjectRole;

use crate::support::{Bench, NOW, at, preview, refused, user_id, uuid};

#[tokio::test]
async fn a_project_is_seen_by_its_members_only() {
    let bench = Bench::new();
    let (project, owner) = bench.project().await;
    let stranger = user_id();
    let entry = bench.tenant.project_of(owner, project).await.unwrap().unwrap();
    assert_eq!((entry.role, entry.assets, entry.project.id), (ProjectRole::Owner, 0, project));
    assert!(entry.cover.is_none());
    assert!(bench.tenant.project_of(stranger, project).await.unwrap().is_none());
    assert!(bench.tenant.projects_of(stranger).await.unwrap().is_empty());
    assert_eq!(bench.tenant.role(owner, project).await.unwrap(), Some(ProjectRole::Owner));
    assert_eq!(bench.tenant.role(stranger, project).await.unwrap(), None);
    assert!(bench.tenant.project_exists(project).await.unwrap());
    assert!(!bench.tenant.project_exists(ProjectId::from_uuid(uuid())).await.unwrap());
}

#[tokio::test]
async fn the_project_changed_last_comes_first() {
    let bench = Bench::new();
    let (first, owner) = bench.project().await;
    let (second, _) = bench.project().await;
    bench.tenant.set_member(second, owner, ProjectRole::Viewer, at(1)).await.unwrap();
    let order =
        async || bench.tenant.projects_of(owner).await.unwrap().iter().map(|e| e.project.id).collect::<Vec<_>>();
    assert_eq!(order().await, [second, first]);
    bench.tenant.rename_project(first, &ProjectName::parse("Autumn").unwrap(), at(2)).await.unwrap();
    assert_eq!(order().await, [first, second]);
    let entry = bench.tenant.project_of(owner, first).await.unwrap().unwrap();
    assert_eq!((entry.project.name.as_str(), entry.project.updated_at), ("Autumn", at(2)));
}

#[tokio::test]
async fn renaming_or_staffing_a_project_that_is_not_there_is_not_found() {
    let bench = Bench::new();
    let nowhere = ProjectId::from_uuid(uuid());
    let name = ProjectName::parse("x").unwrap();
    refused(bench.tenant.rename_project(nowhere, &name, NOW).await, StoreErrorKind::NotFound);
    refused(bench.tenant.set_member(nowhere, user_id(), ProjectRole::Owner, NOW).await, StoreErrorKind::NotFound);
    assert_eq!(bench.tenant.last_event().await.unwrap(), 0);
}

#[tokio::test]
async fn a_project_is_never_left_without_an_owner() {
    let bench = Bench::new();
    let (project, owner) = bench.project().await;
    let other = user_id();
    bench.tenant.set_member(project, other, ProjectRole::Editor, NOW).await.unwrap();
    let before = bench.tenant.last_event().await.unwrap();
    refused(bench.tenant.remove_member(project, owner, NOW).await, StoreErrorKind::Conflict);
    refused(bench.tenant.set_member(project, owner, ProjectRole::Editor, NOW).await, StoreErrorKind::Conflict);
    assert_eq!(bench.tenant.role(owner, project).await.unwrap(), Some(ProjectRole::Owner), "nothing was written");
    assert_eq!(bench.tenant.last_event().await.unwrap(), before, "nothing was told");

    bench.tenant.set_member(project, other, ProjectRole::Owner, NOW).await.unwrap();
    bench.tenant.remove_member(project, owner, NOW).await.unwrap();
    assert_eq!(bench.tenant.members(project).await.unwrap(), [(other, ProjectRole::Owner)]);
    refused(bench.tenant.remove_member(project, owner, NOW).await, StoreErrorKind::NotFound);
}

#[tokio::test]
async fn events_come_in_order_from_where_one_left_off() {
    let bench = Bench::new();
    let watch = bench.tenant.watch_events();
    let (project, _) = bench.project().await;
    let (elsewhere, _) = bench.project().await;
    for n in 1..=3 {
        let name = ProjectName::parse(&format!("name {n}")).unwrap();
        bench.tenant.rename_project(project, &name, at(n)).await.unwrap();
    }
    let all = bench.tenant.events(project, 0, 10).await.unwrap();
    assert_eq!(all.len(), 4);
    assert!(all.windows(2).all(|pair| pair[0].seq < pair[1].seq));
    assert!(all.iter().all(|event| event.change == Change::Project && event.project == project));
    assert_eq!(bench.tenant.events(project, all[1].seq, 1).await.unwrap(), all[2..3]);
    assert_eq!(bench.tenant.events(elsewhere, 0, 10).await.unwrap().len(), 1);
    let last = bench.tenant.last_event().await.unwrap();
    assert_eq!(last, all[3].seq);
    assert_eq!(*watch.borrow(), last);
    let reopened = bench.reopened();
    assert_eq!(*reopened.tenant.watch_events().borrow(), last, "the position survives a restart");
}

#[tokio::test]
async fn the_cover_is_the_newest_asset_that_has_a_card() {
    let bench = Bench::new();
    let made = bench.asset(&[JobKind::PreviewFast]).await;
    let lease = bench.lease(JobKind::PreviewFast).await;
    let owner = bench.tenant.asset(made.asset).await.unwrap().unwrap().created_by;
    let entry = bench.tenant.project_of(owner, made.project).await.unwrap().unwrap();
    assert_eq!((entry.assets, entry.cover), (1, None));
    let shown = preview("g1", PreviewStage::Fast, true);
    bench.tenant.publish_preview(&lease, made.version, &shown, &[], at(3)).await.unwrap();
    let entry = bench.tenant.project_of(owner, made.project).await.unwrap().unwrap();
    assert_eq!(entry.cover, Some((made.version, shown)));
    assert_eq!(entry.project.updated_at, at(3));
    assert_eq!(bench.tenant.jobs_of_project(made.project, 10).await.unwrap().len(), 2);
}
