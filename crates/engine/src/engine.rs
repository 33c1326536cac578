//! The engine: what all requests share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use portolan_core::{Area, Clock, Money, Random};
use portolan_ledger::Generation;
use portolan_store::Journal;
use portolan_upstream::Client;

use crate::chat::Planned;
use crate::generation::{Run, draining};
use crate::reply::Line;
use crate::sticky::Sticky;
use crate::{Accounts, Deployment, Inbound, Refused, Reply, Settings, Tasks, wanted};

/// Is told of every generation that ended, after its entry was written to the journal, or could not be. Must be quick and must not fail.
pub trait Observer: Send + Sync {
    /// A generation ended.
    fn closed(&self, generation: &Generation);
    /// A request was refused before anything was sent.
    fn refused(&self, refused: &Refused);
}

/// What an engine is made of.
pub struct Parts {
    /// What can be called.
    pub deployment: Deployment,
    /// The way out.
    pub client: Arc<Client>,
    /// The truth about what ended.
    pub journal: Arc<Journal>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// The source of ids and seeds.
    pub random: Arc<dyn Random>,
    /// The owner of tasks.
    pub tasks: Tasks,
    /// Who counts.
    pub observer: Arc<dyn Observer>,
    /// Where conversations are.
    pub sticky: Arc<dyn Sticky>,
    /// The settings.
    pub settings: Settings,
    /// The name of this instance, sent upstream so that a request which comes back is known.
    pub via: HeaderValue,
}

/// The engine. Cheap to clone.
#[derive(Clone)]
pub struct Engine(Arc<Inner>);

struct Inner {
    deployment: ArcSwap<Deployment>,
    settings: ArcSwap<Settings>,
    accounts: Accounts,
    client: Arc<Client>,
    journal: Arc<Journal>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    tasks: Tasks,
    generations: Tasks,
    draining: AtomicBool,
    observer: Arc<dyn Observer>,
    sticky: Arc<dyn Sticky>,
    via: HeaderValue,
}

impl Engine {
    /// Puts the parts together.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let Parts { deployment, client, journal, clock, random, tasks, observer, sticky, settings, via } = parts;
        Self(Arc::new(Inner {
            deployment: ArcSwap::from_pointee(deployment),
            settings: ArcSwap::from_pointee(settings),
            accounts: Accounts::default(),
            client,
            journal,
            clock,
            random,
            generations: tasks.group(),
            draining: AtomicBool::new(false),
            tasks,
            observer,
            sticky,
            via,
        }))
    }

    /// Answers a chat request. From the hold on the work belongs to a task of its own: a caller who goes away is settled like any other.
    pub async fn chat(&self, inbound: Box<Inbound>) -> Reply {
        match self.admit(inbound).await {
            Ok(run) => {
                let (line, reply) = Line::new(self.settings().timeouts.idle, self.0.tasks.cut().clone());
                // Boxed once: it is several kilobytes, and spawning moves what it is given more than once.
                self.0.generations.spawn("generation", Box::pin(run.run(line)));
                reply.await.unwrap_or_else(|_| Reply::Refused(Refused::internal()))
            }
            Err(refused) => {
                self.0.observer.refused(&refused);
                Reply::Refused(refused)
            }
        }
    }

    async fn admit(&self, inbound: Box<Inbound>) -> Result<Box<Run>, Refused> {
        self.takes_generations()?;
        let mut planned = Planned::new(self, inbound)?;
        let held = planned.hold(self).await;
        if held.is_err() {
            planned.release_probes(0);
        }
        let (held, limit) = held?;
        // It may have waited for its hold: nobody waits any more for a generation that begins after the drain.
        if let Err(refused) = self.takes_generations() {
            planned.inbound.caller.settle(held, Money::ZERO, self.clock().now().day());
            return Err(refused);
        }
        Ok(Box::new(Run::new(self.clone(), planned, held, limit)))
    }

    fn takes_generations(&self) -> Result<(), Refused> {
        if self.0.draining.load(Ordering::Relaxed) { Err(Refused::after(&draining(), "")) } else { Ok(()) }
    }

    /// Counts a refusal that came before the engine was asked.
    pub fn note_refused(&self, refused: &Refused) {
        self.0.observer.refused(refused);
    }

    /// Takes no new generations from here on, and waits until those in flight have ended: for `patience` of their
    /// own accord, then told to end, for at most `grace` more. Answers how many are left.
    pub async fn drain(&self, patience: Duration, grace: Duration) -> usize {
        self.0.draining.store(true, Ordering::Relaxed);
        self.0.generations.drain_to(0, patience, grace).await
    }

    /// The deployment in force.
    #[must_use]
    pub fn deployment(&self) -> Arc<Deployment> {
        self.0.deployment.load_full()
    }

    /// Puts another deployment in force. Requests in flight finish on theirs.
    pub fn deploy(&self, deployment: Deployment, settings: Settings) {
        self.0.settings.store(Arc::new(settings));
        self.0.deployment.store(Arc::new(deployment));
    }

    /// The accounts in memory.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.0.accounts
    }

    /// The wall clock.
    #[must_use]
    pub fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// The source of ids and seeds.
    #[must_use]
    pub fn random(&self) -> &dyn Random {
        &*self.0.random
    }

    /// The owner of tasks.
    #[must_use]
    pub fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// The name of this instance in `X-Portolan-Via`.
    #[must_use]
    pub fn via(&self) -> HeaderValue {
        self.0.via.clone()
    }

    /// The area that requests to a host of this area are confined to.
    ///
    /// # Errors
    /// When such requests are not served here.
    pub fn confinement(&self, host: Option<Area>) -> Result<Option<Area>, Refused> {
        Ok(wanted::area(self.settings(), host, &[])?.map(|(area, _)| area))
    }

    pub(crate) fn settings(&self) -> Settings {
        **self.0.settings.load()
    }

    pub(crate) fn sticky(&self) -> &dyn Sticky {
        &*self.0.sticky
    }

    pub(crate) fn client(&self) -> &Client {
        &self.0.client
    }

    pub(crate) fn journal(&self) -> &Journal {
        &self.0.journal
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        &*self.0.observer
    }
}
