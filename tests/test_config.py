"""finpat.toml: defaults, and messages that name the key and the nearest right one."""

import re

import pytest

from finpat.config import load_settings, parse_settings
from finpat.errors import SettingsError


def test_defaults_need_no_file(tmp_path):
    assert load_settings(tmp_path).reporting_zone == "UTC"


def test_a_misspelt_key_is_named_with_the_nearest():
    with pytest.raises(SettingsError, match=r"unknown key 'ingest\.piece_mbs'\. Did you mean 'piece_mb'\?"):
        parse_settings({"ingest": {"piece_mbs": 3}})


def test_a_misspelt_section_is_named_with_the_nearest():
    with pytest.raises(SettingsError, match=r"unknown key 'detections'\. Did you mean 'detection'\?"):
        parse_settings({"detections": {}})


def test_a_wrong_value_is_named_with_what_was_expected():
    with pytest.raises(SettingsError, match=r"reporting_zone = 'Europe/Sofa'.*Did you mean 'Europe/Sofia'"):
        parse_settings({"reporting_zone": "Europe/Sofa"})


def test_broken_toml_names_the_file(tmp_path):
    (tmp_path / "finpat.toml").write_text("a = ")
    with pytest.raises(SettingsError, match=r"finpat\.toml: not valid TOML"):
        load_settings(tmp_path)


def test_indicator_parameters_are_kept():
    settings = parse_settings({"indicators": {"ST-STRUCT-01": {"enabled": False, "k": 4}}})
    assert settings.indicators["ST-STRUCT-01"].enabled is False
    assert settings.indicators["ST-STRUCT-01"].parameters == {"k": 4}


def test_own_words_may_stand_in_the_settings_or_in_a_file_and_are_kept_with_the_settings(tmp_path):
    (tmp_path / "inns.txt").write_text("Zum Wilden Mann\n\n Gasthof Post \n", encoding="utf-8")
    (tmp_path / "finpat.toml").write_text('[dictionaries]\nlodging = ["Pension Eva", "@inns.txt"]\n')
    assert load_settings(tmp_path).dictionaries == {
        "lodging": ("Pension Eva", "Zum Wilden Mann", "Gasthof Post")
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[dictionaries]\nloging = ["x"]\n', "no such kind of payment: 'loging'. Did you mean 'lodging'"),
        ('[dictionaries]\nlodging = ["@none.txt"]\n', "none.txt cannot be read as UTF-8 text"),
    ],
)
def test_words_that_cannot_be_used_are_named(tmp_path, text, told):
    (tmp_path / "finpat.toml").write_text(text)
    with pytest.raises(SettingsError, match=re.escape(told)):
        load_settings(tmp_path)
