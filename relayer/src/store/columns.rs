//! Names of the relayer's columns. Stored data outlives a release: a name never changes its meaning.

use infrastrukt_ports::Column;

/// Cursors and the identity of the hub this data belongs to.
pub(super) const META: Column = Column("relayer_meta");
/// `chain ‖ item key` → [`super::Item`]: everything that is to be carried to a chain and is not final there.
pub(super) const ITEMS: Column = Column("relayer_items");
/// `chain ‖ priority ‖ ready at ‖ height ‖ kind ‖ index` → what waits, in the order it is to be carried.
pub(super) const QUEUE: Column = Column("relayer_queue");
/// `chain ‖ submission key` → [`super::Plan`]: transactions from the decision to send them until they are final.
pub(super) const PLANS: Column = Column("relayer_plans");
/// `height ‖ kind` → checkpoint and certificate.
pub(super) const CERTIFICATES: Column = Column("relayer_certificates");
/// `height ‖ kind` → leaf hashes of that checkpoint, kept apart since they are large.
pub(super) const LEAVES: Column = Column("relayer_leaves");
/// `height ‖ kind ‖ chain ‖ user` → nothing: who still needs a certificate.
pub(super) const USERS: Column = Column("relayer_certificate_users");
/// `chain ‖ item key` → nothing: which items are dead letters.
pub(super) const DEAD: Column = Column("relayer_dead_letters");
/// `chain ‖ block ‖ part` → [`super::EvidenceRecord`]: evidence the hub has not proven yet.
pub(super) const EVIDENCE: Column = Column("relayer_evidence");
/// `chain ‖ block ‖ part` → the evidence itself, kept apart since it is large.
pub(super) const EVIDENCE_BODIES: Column = Column("relayer_evidence_bodies");
/// `chain ‖ block ‖ part` → all facts that the evidence proves, kept apart since messages are large.
pub(super) const EVIDENCE_FACTS: Column = Column("relayer_evidence_facts");
/// `chain ‖ block ‖ part` → [`super::DeadEvidence`]: evidence the hub refused for good.
pub(super) const DEAD_EVIDENCE: Column = Column("relayer_dead_evidence");

/// `height ‖ kind ‖ index` → [`super::AwaitedLeaf`]: certified leaves whose message or deal is still to be fetched.
pub(super) const AWAITED: Column = Column("relayer_awaited_leaves");

/// The relayer's columns; adapters add their own for transactions.
pub const COLUMNS: &[Column] = &[
    META,
    ITEMS,
    QUEUE,
    PLANS,
    CERTIFICATES,
    LEAVES,
    USERS,
    DEAD,
    EVIDENCE,
    EVIDENCE_BODIES,
    EVIDENCE_FACTS,
    DEAD_EVIDENCE,
    AWAITED,
];
