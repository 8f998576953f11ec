

def test_who_only_reads_makes_no_ledger(tmp_path):
    assert scheduled_runs(tmp_path / "schedule", "q") == []
    assert not (tmp_path / "schedule").exists()
