"""One run: store, ledger, features, indicators, detection, risk, read model; where all stages meet.

A run is a numbered folder that is complete or absent, with the read model that it published. It depends on
the loaded files, the settings and `as_of` and on nothing else, so it can be rebuilt and compared (`verify`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import polars as pl

from finpat import __version__, detection, features, indicators, risk
from finpat.adverts.adverts import Adverts, build_adverts
from finpat.compiled import announcing_compilation
from finpat.config import Settings, parse_settings
from finpat.errors import RunError
from finpat.indicators.advert_evidence import adverts_behind
from finpat.ledger import Ledger, build_ledger
from finpat.movement import build_hotspots, build_movement, movement_tables
from finpat.networks import Networks, build_networks, network_tables
from finpat.networks.identifiers import identifier_tables, identifier_uses
from finpat.networks.judgements import JUDGEMENT, no_judgements, not_obeyed, without_denied
from finpat.networks.persons import judged_persons
from finpat.rates import load_rates
from finpat.readmodel import Legs, Publication, ReadModel, make_current, publish
from finpat.readmodel.declared import declared_features, declared_indicators
from finpat.readmodel.legs import PAYMENT_COLUMNS, published_part
from finpat.readmodel.masking import masked, shapes_of
from finpat.readmodel.publish import runs_row
from finpat.schemas import DIRECTION_DTYPE
from finpat.store.catalogue import StoredFile, read_files
from finpat.store.health import read_health
from finpat.store.payments import fingerprint, read_columns, read_payments, read_table
from finpat.store.replacement import read_retired
from finpat.store.workspace import Workspace

Notify = Callable[[str], None]
LIBRARIES = ("polars", "duckdb", "numpy", "numba", "scikit-learn", "pyod")
EXPLAINED = 1_000  # best accounts of the list whose anomaly scores are broken down by feature
CIRCUITS = 2_000  # best accounts of the list whose movement is published: it bounds what a run holds
ROLES = {
    "PV": "possible_victim",
    "PC": "possible_controller",
    "BIZ": "possible_front_business",
    "NET": "unclear",
}
WEIGHTS = {"S": "strong", "M": "medium", "W": "weak"}
JUDGEMENTS = "judgements.parquet"  # in a run's folder: those that it obeyed
EVIDENCE_COLUMNS = (
    "transaction_id", "booked_at", "account_id", "counterparty_id", "mirrored", "direction", "source_line",
)  # fmt: skip
# What two runs over the same files must agree on, row by row.
COMPARED = (
    "flagged_accounts", "findings", "finding_evidence", "role_arguments", "anomaly_contributions",
    "account_features",
    "networks", "network_members", "network_edges",
    "identifiers", "identifier_uses",
    "ad_clusters", "ad_cluster_members", "ad_shared_contacts", "ad_payment_links", "ad_payment_matches",
    "movements", "stays", "circuit_agreements", "deposits_elsewhere", "hotspots",
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """A finished run."""

    run_id: str
    folder: Path
    readmodel: Path
    manifest: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a rebuilt run said: what was compared, and every difference in one line each."""

    run_id: str
    compared: tuple[str, ...]
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not self.differences


@dataclass
class _Clock:
    """How long each stage took; no part of what runs are compared by."""

    notify: Notify
    seconds: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        self.notify(name)
        start = time.perf_counter()
        yield
        self.seconds[name] = round(time.perf_counter() - start, 3)


def run(
    workspace: Workspace,
    settings: Settings,
    as_of: datetime | None,
    now: datetime,
    notify: Notify,
    judgements: pl.DataFrame | None = None,
) -> Run:
    """Make the next run and publish its read model.

    as_of: rows booked later are not seen (naive UTC); None: the newest booked_at. now: kept as started_at.
    judgements: those in force (networks.judgements.JUDGEMENT); the run obeys and keeps them.

    Raises:
        RunError: nothing is loaded, or nothing up to `as_of`.
        StoreError: another process writes to the workspace, or a stored file is gone.
    """
    with workspace.writing("make a run"):
        _sweep(workspace)
        files = read_files(workspace)
        run_id = _next_id(workspace)
        draft = workspace.runs / f".{run_id}.building"
        draft.mkdir(parents=True)
        try:
            manifest, published = _build(
                workspace, settings, as_of, files, run_id, now, notify, draft, workspace.readmodel,
                no_judgements() if judgements is None else judgements,
            )  # fmt: skip
            _write_manifest(draft, manifest)
            os.replace(draft, workspace.runs / run_id)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            (workspace.readmodel / f"{run_id}.duckdb").unlink(missing_ok=True)
            raise
        # Readers follow only once the run is there: killed before this line, they keep the run before.
        make_current(workspace.readmodel, published)
    return Run(run_id, workspace.runs / run_id, published, manifest)


def _sweep(workspace: Workspace) -> None:
    """Remove what a killed run left behind; nothing points at it."""
    for leftover in workspace.runs.glob(".*.building"):
        shutil.rmtree(leftover, ignore_errors=True)
    for leftover in workspace.readmodel.glob(".*.building*"):
        if leftover.is_dir():
            shutil.rmtree(leftover, ignore_errors=True)
        else:
            leftover.unlink(missing_ok=True)


def _next_id(workspace: Workspace) -> str:
    numbers = [int(folder.name) for folder in workspace.runs.iterdir() if folder.name.isdigit()]
    return f"{max(numbers, default=0) + 1:04d}"


def _write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    with (folder / "manifest.json").open("w", encoding="utf-8") as handle:
        json.dump(manifest, handle, indent=1, ensure_ascii=False)
        handle.flush()
        os.fsync(handle.fileno())


def _ids(files: list[StoredFile], table: str) -> list[int]:
    return [file.file_id for file in files if file.table_name == table]


def _build(
    workspace: Workspace,
    settings: Settings,
    as_of: datetime | None,
    files: list[StoredFile],
    run_id: str,
    now: datetime,
    notify: Notify,
    draft: Path,
    published_to: Path,
    judgements: pl.DataFrame,
) -> tuple[dict[str, Any], Path]:
    """All stages; fills the folder `draft` and publishes into `published_to`."""
    clock = _Clock(notify)
    paid = _ids(files, "transactions")
    if not paid:
        raise RunError(
            f"{workspace.path}: no transactions are loaded; use `finpat ingest FILE --as transactions`"
        )
    with clock.stage("reading"):
        as_of = as_of or max(file.last_at for file in files if file.file_id in paid and file.last_at)
        payments = read_payments(workspace, as_of, paid)
        if payments.is_empty():
            raise RunError(
                f"{workspace.path}: all rows are later than {as_of.isoformat()}Z; choose a later --as-of"
            )
        holders = read_table(workspace, "accounts", as_of, _ids(files, "accounts"))
        rates = load_rates(settings.fx, workspace.path)
    with clock.stage("ledger"):
        ledger = build_ledger(
            payments,
            holders.drop("source_line", "file_id", strict=False) if holders.height else None,
            reporting_zone=settings.reporting_zone,
            rates=rates,
        )
        written = payments.height
        del payments
        refused = not_obeyed(judgements)
        if judgements.height:
            accounts, apart = judged_persons(ledger.accounts, judgements)
            ledger, refused = replace(ledger, accounts=accounts), refused + apart
    with clock.stage("features"):
        features.warm_kernels(notify)
        table = features.build_features(ledger, settings)
    with clock.stage("adverts"):
        adverts, ad_payments, of_adverts = _adverts(workspace, ledger, settings, as_of, files, notify)
    with clock.stage("indicators"):
        indicators.warm_kernels(notify)
        found = indicators.evaluate(ledger, table, settings, adverts)
    with clock.stage("detection"):
        detection.warm(notify)
        currencies = ledger.accounts["currency"]
        model = detection.fit(table, currencies, settings)
        scores = detection.score(model, table, currencies)
    with clock.stage("risk"):
        listed = risk.rank(ledger.accounts, table, found, scores, settings)
        argued = risk.role_arguments(risk.account_findings(found.findings), found.evidence)
        contributions = _contributions(listed, model, table, currencies, scores)
    with clock.stage("movement"):
        best = listed.sort("rank")["account_id"].head(CIRCUITS)
        of_movement = _movement_tables(workspace, ledger, adverts, best, settings, as_of, paid)
    with clock.stage("networks"):
        uses = identifier_uses(ledger, adverts, ad_payments)
        uses = without_denied(uses, ledger.accounts["account_id"], judgements)
        tied = build_networks(ledger, uses, adverts, judgements)
        ids = read_columns(workspace, ("transaction_id",), as_of, paid)["transaction_id"]
        of_networks = _network_tables(tied, ledger, listed, ids)
        of_identifiers = _identifier_tables(uses, ledger, adverts, ids)
        if adverts is not None:
            ads_behind = adverts_behind(
                found, indicators.INDICATORS, ledger.accounts["account_id"], adverts, uses
            )
        del uses, ids, ad_payments
        listed = _in_networks(listed, of_networks["network_members"])
    with clock.stage("evidence"):
        ledger = published_part(ledger)
        evidence = _evidence(workspace, found, as_of, paid)
        if adverts is not None:
            evidence = _with_adverts(evidence, ads_behind, adverts, of_adverts["ads"])
    manifest = _manifest(workspace, settings, as_of, files, run_id, now) | {"rates": rates.describe()}
    manifest["counts"] = {
        "payments": written,
        "transactions": ledger.legs.height,
        "accounts": ledger.account_count,
        "findings": found.findings.filter(pl.col("state") == "found").height,
        "not_evaluable": found.findings.filter(pl.col("state") == "not_evaluable").height,
        "without_rate": ledger.unconverted,
        "networks": tied.networks.height,
        "bridges_cut": tied.bridges,
        "weak_bridges_cut": tied.weak_bridges,
    }
    manifest["warnings"] = [*_warnings(ledger), *found.notes, *refused]
    manifest["judgements"] = _kept_judgements(draft, judgements)
    with clock.stage("publishing"):
        table.write_parquet(draft / "features.parquet")
        detection.save(model, draft / "model.npz")
        tables = {
            "flagged_accounts": listed.with_columns(run_id=pl.lit(run_id)),
            "findings": _in_words(found.findings),
            "finding_evidence": evidence,
            "role_arguments": argued,
            "anomaly_contributions": contributions,
            "account_features": table,
            "accounts": ledger.accounts.rename({"first_at": "first_seen", "last_at": "last_seen"}),
            "runs": runs_row(manifest),
            "sources": _sources(files),
            **read_health(workspace, [file.file_id for file in files]),
            "indicators": declared_indicators(),
            "features": declared_features(),
            **of_networks,
            **of_identifiers,
            **of_adverts,
            **of_movement,
        }
        named = {file.file_id: file.name for file in files if file.file_id in set(paid)}
        legs = Legs(ledger, read_columns(workspace, PAYMENT_COLUMNS, as_of, paid), named)
        published = publish(published_to, Publication(run_id, manifest, tables, legs, settings.threads))
        del legs, ledger
        with ReadModel(published) as readable:
            manifest["results"] = {name: content_hash(readable.pieces(name)) for name in COMPARED}
    manifest["seconds"] = clock.seconds
    return manifest, published


def _adverts(
    workspace: Workspace,
    ledger: Ledger,
    settings: Settings,
    as_of: datetime,
    files: list[StoredFile],
    notify: Notify,
) -> tuple[Adverts | None, pl.DataFrame, dict[str, pl.DataFrame]]:
    """Adverts (None where none are loaded), payments for them, and the tables of both in the read model."""
    names = {file.file_id: file.name for file in files}
    ads, paid = (read_table(workspace, table, as_of, _ids(files, table)) for table in ("ads", "ad_payments"))
    sourced = {
        name: masked(
            frame.with_columns(
                source_id=pl.col("file_id").cast(pl.String), source_file=_named("file_id", names)
            )
        )
        for name, frame in (("ads", ads), ("ad_payments", paid))
        if frame.height
    }
    if ads.is_empty():
        return None, paid, sourced
    with announcing_compilation(notify):
        adverts = build_adverts(ads, paid, ledger, settings)
    ids = read_columns(workspace, ("transaction_id",), as_of, _ids(files, "transactions"))["transaction_id"]
    edges = adverts.clusters.edges
    shared = edges.with_columns(
        contact_id=pl.format("{}-{}", "kind", pl.int_range(1, pl.len() + 1).over("kind")),
        shape=shapes_of(edges["kind"], edges["value"]),
    )
    contents = {"ad_contents": ads, "ad_shared_contacts": shared}
    return adverts, paid, sourced | contents | adverts.tables(ledger, ids)


def _movement_tables(
    workspace: Workspace,
    ledger: Ledger,
    adverts: Adverts | None,
    best: pl.Series,
    settings: Settings,
    as_of: datetime,
    file_ids: list[int],
) -> dict[str, pl.DataFrame]:
    """Circuits of the accounts `best` and hotspots: rm.movements, rm.stays, ..., rm.hotspots."""
    accounts = ledger.accounts["account_id"].is_in(best.implode()).arg_true()
    movement = build_movement(ledger, adverts, settings, accounts)
    rows = movement.rows
    ids = pl.Series("transaction_id", [], dtype=pl.String)
    if len(rows):
        ids = read_columns(workspace, ("transaction_id",), as_of, file_ids)["transaction_id"].gather(rows)
    hotspots = build_hotspots(ledger, adverts, settings).table()
    return movement_tables(movement, ledger, adverts, ids) | {"hotspots": hotspots}


def _kept_judgements(draft: Path, judgements: pl.DataFrame) -> dict[str, Any] | None:
    """Write the judgements that a run obeys into its folder; what its manifest says of them."""
    if judgements.is_empty():
        return None
    told = judgements.select(JUDGEMENT.keys()).sort(JUDGEMENT.keys())
    told.write_parquet(draft / JUDGEMENTS)
    return {"count": told.height, "sha256": content_hash([told])}


def _judgements_of(workspace: Workspace, manifest: Mapping[str, Any]) -> pl.DataFrame:
    """The judgements that a run obeyed.

    Raises:
        RunError: its folder does not have them as the manifest says.
    """
    kept = manifest.get("judgements")
    if kept is None:
        return no_judgements()
    path = workspace.runs / manifest["run_id"] / JUDGEMENTS
    told = pl.read_parquet(path) if path.exists() else None
    if told is None or content_hash([told]) != kept["sha256"]:
        what = "is gone" if told is None else "was changed"
        raise RunError(f"{path}: {what}; the run cannot be rebuilt without the judgements that it obeyed")
    return told


def _contributions(
    listed: pl.DataFrame,
    model: detection.FittedModel,
    table: pl.DataFrame,
    currencies: pl.Series,
    scores: detection.Scores,
) -> pl.DataFrame:
    """What made the anomaly scores of the EXPLAINED best accounts of the list and of the most unusual."""
    known = scores.contributions["account_id"].unique()
    best = listed.sort("rank")["account_id"].head(EXPLAINED)
    more = (
        table["account_id"].is_in(best.implode()) & ~table["account_id"].is_in(known.implode())
    ).arg_true()
    if more.is_empty():
        return scores.contributions
    return pl.concat([scores.contributions, detection.explain(model, table[more], currencies[more])])


def _network_tables(
    tied: Networks, ledger: Ledger, listed: pl.DataFrame, transaction_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """rm.networks, rm.network_members, rm.network_edges."""
    rows = tied.edges["rows"].explode(empty_as_null=True).drop_nulls()
    return network_tables(tied, ledger.accounts, listed, transaction_ids.gather(rows))


def _identifier_tables(
    uses: pl.DataFrame, ledger: Ledger, adverts: Adverts | None, transaction_ids: pl.Series
) -> dict[str, pl.DataFrame]:
    """rm.identifiers, rm.identifier_uses, rm.identifier_values."""
    tables = identifier_tables(uses, ledger, adverts, transaction_ids)
    identifiers, values = tables["identifiers"], tables["identifier_values"]
    shape = shapes_of(identifiers["kind"], values["value"])
    return tables | {"identifiers": identifiers.with_columns(shape)}


def _in_networks(listed: pl.DataFrame, members: pl.DataFrame) -> pl.DataFrame:
    """The list with network_id filled in."""
    named = members.select("account_id", "network_id")
    return (
        listed.drop("network_id")
        .join(named, on="account_id", how="left", maintain_order="left")
        .select(listed.columns)
    )


def _in_words(findings: pl.DataFrame) -> pl.DataFrame:
    """Findings with weight and role as readers know them, in place of the catalogue's codes."""
    roles = pl.col("role").str.split("/").list.eval(pl.element().replace_strict(ROLES, default=pl.element()))
    return findings.with_columns(weight=pl.col("weight").replace(WEIGHTS), role=roles.list.join(";"))


def _evidence(
    workspace: Workspace, found: indicators.Findings, as_of: datetime, file_ids: list[int]
) -> pl.DataFrame:
    """rm.finding_evidence: the legs behind each finding, with file and line, in order of time."""
    if found.evidence.is_empty():
        return pl.DataFrame(schema={"finding_id": pl.String})
    stored = read_columns(workspace, EVIDENCE_COLUMNS, as_of, file_ids).rechunk()
    if "counterparty_id" not in stored.columns:
        stored = stored.with_columns(counterparty_id=pl.lit(None, pl.Categorical))
    names = {file.file_id: file.name for file in read_files(workspace, "transactions")}
    # Finding ids as positions in their sorted list: what is sorted and compared below are numbers.
    whose = found.findings.select("finding_id", pl.col("account_id").cast(pl.Categorical)).sort("finding_id")
    finding = found.evidence["finding_id"].cast(pl.Enum(whose["finding_id"]))
    rows = found.evidence["row"]
    turned = pl.col("mirrored") & (pl.col("counterparty_id") == pl.col("whose")).fill_null(False)
    flipped = pl.when(pl.col("direction") == "debit").then(pl.lit("credit")).otherwise(pl.lit("debit"))
    place, first = pl.int_range(pl.len()), pl.col("finding_id") != pl.col("finding_id").shift(1)
    return (
        stored[rows]
        .with_columns(finding, rows, whose["account_id"].gather(finding.to_physical()).alias("whose"))
        .with_columns(turned=turned & (pl.col("account_id") != pl.col("whose")).fill_null(True))
        .sort("finding_id", "booked_at", "row")
        .select(
            "finding_id",
            "transaction_id",
            position=place - pl.when(first.fill_null(True)).then(place).forward_fill() + 1,
            account_id=pl.when("turned").then("counterparty_id").otherwise("account_id"),
            direction=pl.when("turned").then(flipped.cast(DIRECTION_DTYPE)).otherwise("direction"),
            source_id=_named("file_id", {number: str(number) for number in names}),
            source_file=_named("file_id", names),
            source_line="source_line",
        )
    )


def _with_adverts(
    evidence: pl.DataFrame, behind: pl.DataFrame, adverts: Adverts, ads: pl.DataFrame
) -> pl.DataFrame:
    """rm.finding_evidence with the adverts (of `adverts_behind`) after each finding's transactions."""
    if behind.is_empty():
        return evidence
    rows = evidence.group_by(pl.col("finding_id").cast(pl.String)).agg(before=pl.len())
    origin = ads.select("ad_id", "source_id", pl.col("source_file").cast(pl.String), "source_line")
    told = (
        behind.join(rows, on="finding_id", how="left", maintain_order="left")
        .with_columns(ad_id=adverts.ads["ad_id"].gather(behind["ad"]))
        .join(origin, on="ad_id", how="left", maintain_order="left")
        .with_columns(nth=pl.int_range(1, pl.len() + 1).over("finding_id"))
        .with_columns(position=pl.col("before").fill_null(0) + pl.col("nth"))
        .drop("ad", "before", "nth")
    )
    common = {name: dtype for name, dtype in evidence.schema.items() if name in told.columns}
    return pl.concat([evidence, told.cast(common)], how="diagonal")  # type: ignore[arg-type]


def _named(column: str, names: Mapping[int, str]) -> pl.Expr:
    """The text of each number in `column`."""
    return pl.col(column).replace_strict(names, return_dtype=pl.String).cast(pl.Categorical)


def _sources(files: list[StoredFile]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {
                "source_id": str(file.file_id),
                "file": file.name,
                "table_name": file.table_name,
                "mapping": file.mapping_name,
                "sha256": file.sha256,
                "rows": file.source_rows,
                "loaded": file.loaded,
                "duplicate": file.duplicate,
                "quarantined": file.quarantined,
                "first_at": file.first_at,
                "last_at": file.last_at,
                "loaded_at": file.ingested_at,
            }
            for file in files
        ],
        schema_overrides={name: pl.Datetime("us") for name in ("first_at", "last_at", "loaded_at")},
    )


def _manifest(
    workspace: Workspace,
    settings: Settings,
    as_of: datetime,
    files: list[StoredFile],
    run_id: str,
    now: datetime,
) -> dict[str, Any]:
    """What the run depends on."""
    # No run depends on casework, dashboard and reports, and their URLs are not for whoever reads a manifest.
    chosen = settings.model_dump(mode="json", exclude={"casework", "dashboard", "reports"})
    return {
        "run_id": run_id,
        "as_of": as_of.isoformat(),
        "started_at": now.isoformat(),
        "data": {
            "fingerprint": fingerprint(workspace, [file.file_id for file in files]),
            "files": [
                {
                    "id": file.file_id,
                    "name": file.name,
                    "sha256": file.sha256,
                    "segment_sha256": file.segment_sha256,
                }
                for file in files
            ],
        },
        "settings": chosen,
        "settings_hash": hashlib.sha256(json.dumps(chosen, sort_keys=True).encode()).hexdigest(),
        "inputs": _inputs(workspace, settings),
        "versions": {
            "finpat": __version__,
            "python": platform.python_version(),
            **{name: version(name) for name in LIBRARIES},
        },
        "seed": settings.detection.seed,
    }


def _inputs(workspace: Workspace, settings: Settings) -> dict[str, str]:
    """SHA-256 of every file that the settings name; words of own lists stand in the settings themselves."""
    named = [*filter(None, [settings.fx.rates_file])]
    return {name: _sha256(workspace.path / name) for name in named if (workspace.path / name).is_file()}


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def _warnings(ledger: Ledger) -> list[str]:
    """What a reader of the list has to know about the data."""
    told = []
    if ledger.account_count == 1:
        told.append("one account only: there are no peers, so its anomaly score says nothing")
    if ledger.unconverted:
        told.append(
            f"{ledger.unconverted:,} transactions have no rate to their account's currency: in no amount"
        )
    return told


def content_hash(pieces: Iterable[pl.DataFrame]) -> str:
    """SHA-256 of a table's content, the same under every version of the libraries that make it."""
    digest = hashlib.sha256()
    for number, frame in enumerate(pieces):
        flat = frame.with_columns(
            (
                pl.col(name).list.eval(pl.element().struct.json_encode())
                if isinstance(dtype.inner, pl.Struct)
                else pl.col(name)
            ).list.join("\n")
            for name, dtype in frame.schema.items()
            if isinstance(dtype, pl.List)
        )
        text = flat.write_csv(include_header=number == 0, null_value="\\N", quote_style="necessary")
        digest.update(text.encode())
    return digest.hexdigest()


def verify(workspace: Workspace, run_id: str, notify: Notify) -> Verdict:
    """Rebuild a run from the same files, settings and as-of, and compare it table by table.

    Raises:
        RunError: there is no such run, or its manifest cannot be read.
    """
    manifest = read_manifest(workspace, run_id)
    differences = list(_changed_inputs(workspace, manifest))
    if differences:
        return Verdict(run_id, ("files",), tuple(differences))
    judgements = _judgements_of(workspace, manifest)
    settings = parse_settings(manifest["settings"], f"manifest of run {run_id}")
    wanted = {entry["id"] for entry in manifest["data"]["files"]}
    files = [file for file in read_files(workspace) if file.file_id in wanted]
    with tempfile.TemporaryDirectory(prefix="finpat-verify-") as scratch:
        folder = Path(scratch)
        again, rebuilt = _build(
            workspace, settings, datetime.fromisoformat(manifest["as_of"]), files, run_id,
            datetime.fromisoformat(manifest["started_at"]), notify, folder, folder / "readmodel",
            judgements,
        )  # fmt: skip
        published = workspace.readmodel / f"{run_id}.duckdb"
        with ReadModel(rebuilt) as new, ReadModel(published) as old:
            compared = [name for name in COMPARED if name in manifest["results"]]
            for name in compared:
                if content_hash(old.pieces(name)) != manifest["results"][name]:
                    differences.append(f"{name}: the published file was changed after the run")
                if again["results"][name] != manifest["results"][name]:
                    differences.append(f"{name}: {_first_difference(old.table(name), new.table(name))}")
    if differences:
        differences += [
            f"{name} is {again['versions'].get(name)}, was {was}"
            for name, was in manifest["versions"].items()
            if again["versions"].get(name) != was
        ]
    return Verdict(run_id, ("files", *compared), tuple(differences))


def read_manifest(workspace: Workspace, run_id: str) -> dict[str, Any]:
    """The manifest of a finished run.

    Raises:
        RunError: there is no such run, or its manifest cannot be read.
    """
    path = workspace.runs / run_id / "manifest.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        known = sorted(folder.name for folder in workspace.runs.glob("[0-9]*"))
        there = f"there are {', '.join(known[-9:])}" if known else "there is none yet"
        raise RunError(f"no run {run_id!r}; {there}") from None
    except ValueError as error:
        raise RunError(f"{path}: cannot be read ({error}); restore it from a backup") from None
    return manifest


def _changed_inputs(workspace: Workspace, manifest: Mapping[str, Any]) -> Iterator[str]:
    """Files that the run read and that are no longer what they were."""
    stored = {file.file_id: file for file in read_files(workspace)}
    retired = read_retired(workspace)
    for entry in manifest["data"]["files"]:
        file = stored.get(entry["id"])
        if file is None and entry["id"] in retired:
            old = retired[entry["id"]]
            yield (
                f"{old.name}: the load that the run read (file {old.file_id}, by the mapping "
                f"{old.mapping_name}) is no longer there; file {old.replaced_by} took its place on "
                f"{old.retired_at:%Y-%m-%d}"
            )
        elif file is None:
            yield f"{entry['name']}: is no longer loaded"
        elif file.segment and not (workspace.path / file.segment).exists():
            yield f"{entry['name']}: its stored rows are gone ({file.segment})"
        elif file.segment and _sha256(workspace.path / file.segment) != entry["segment_sha256"]:
            yield f"{entry['name']}: its stored rows were changed ({file.segment})"
    for name, digest in manifest["inputs"].items():
        path = workspace.path / name
        if not path.exists():
            yield f"{name}: is gone"
        elif _sha256(path) != digest:
            yield f"{name}: was changed"


def _first_difference(before: pl.DataFrame, after: pl.DataFrame) -> str:
    """Where two tables part, in words."""
    if before.columns != after.columns:
        return (
            f"columns differ: {', '.join(sorted(set(before.columns) ^ set(after.columns))) or 'their order'}"
        )
    if before.height != after.height:
        return f"{after.height:,} rows now, {before.height:,} then"
    for name in before.columns:
        unequal = ~before[name].eq_missing(after[name])
        if unequal.any():
            at = int(unequal.arg_true()[0])
            who = before[at, 0]
            return f"{unequal.sum():,} rows differ in {name}, first {before.columns[0]} {who}: " + (
                f"{after[at, name]} now, {before[at, name]} then"
            )
    return "same values, other order"
