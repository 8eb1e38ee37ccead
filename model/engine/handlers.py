"""Which job answers which request: a line each.

A job is added here, or by whoever holds the table: a class of requests and a generator function
of the request and the workplace (`model.engine.job`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from model import messages as m
from model.engine import (
    asking,
    generating,
    opening,
    recipes,
    runs,
    saving,
    scaling,
    space,
    starting,
    step_measures,
    steps,
    tokenizing,
    training,
    tuning,
    vectors,
    verifying,
    weights,
)
from model.engine.job import Job
from model.engine.workplace import Workplace

HANDLERS: dict[type[m.Request], Callable[[Any, Workplace], Job]] = {
    m.SetThreads: starting.set_threads,
    m.SetBudget: starting.set_budget,
    m.PreviewModel: opening.preview_model,
    m.OpenModel: opening.open_model,
    m.CloseBeside: opening.close_beside,
    m.ShowBeside: opening.show_beside,
    m.SaveModel: saving.save_model,
    m.VerifyModel: verifying.verify_model,
    m.ReadPrompt: asking.read,
    m.ReadOther: asking.read_other,
    m.CutText: asking.cut_text,
    m.Ask: asking.ask,
    m.ProjectVocabulary: space.project_vocabulary,
    m.FindNeighbours: space.find_neighbours,
    m.AskTable: space.ask_table,
    m.ListWeights: weights.list_weights,
    m.DescribeWeights: weights.describe_weights,
    m.ExamineWeight: weights.examine_weight,
    m.FindSingularValues: weights.find_singular_values,
    m.Generate: generating.generate_text,
    m.DrawPair: tuning.draw_pair,
    m.WriteChoices: tuning.write_choices,
    m.ReadTuning: tuning.read_tuning,
    m.StartTraining: training.start_training,
    m.ControlTraining: training.control_training,
    m.WatchTraining: training.watch_training,
    m.MeasureRecipe: recipes.measure_recipe,
    m.ReadRecipe: recipes.read_recipe,
    m.WriteRecipe: recipes.write_recipe,
    m.WriteText: recipes.write_text,
    m.ChangeRate: training.change_rate,
    m.FollowTraining: training.follow_training,
    m.ReadRun: runs.read_run,
    m.ReadRuns: runs.read_runs,
    m.ExportEvents: runs.export_events,
    m.LearnBpe: tokenizing.learn_bpe,
    m.PutInTemplate: tokenizing.put_in_template,
    m.SpreadVectors: vectors.spread_vectors,
    m.PackVectors: vectors.pack_vectors,
    m.TrainToy: vectors.train_toy,
    m.CountTokens: tokenizing.count_tokens,
    m.WriteTokenizer: tokenizing.write_tokenizer,
    m.ReplayText: tokenizing.replay_text,
    m.CompareTokenizers: tokenizing.compare_tokenizers,
    m.ShowStep: steps.show_step,
    m.MeasureSteps: step_measures.measure_steps,
    m.LookAtRun: runs.look_at_run,
    m.TimeQueue: scaling.time_queue,
    m.ReadQueue: scaling.read_queue,
    m.TrainQueue: scaling.train_queue,
    m.ControlQueue: scaling.control_queue,
    m.FitLaw: scaling.fit_law,
}
