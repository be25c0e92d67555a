use vocabulary::Language;

/// What people call an event; its type where we have no word for it.
pub(crate) fn label(event_type: &str, language: Language) -> &str {
    let (tr, en) = match event_type {
        "intake.PersonRecorded" => ("Kişi kaydedildi", "Person recorded"),
        "intake.ContactRegistered" => ("Temas kaydedildi", "Contact registered"),
        "intake.RequestRegistered" => ("Başvuru kaydedildi", "Request registered"),
        "intake.PersonalDataViewed" => ("Kişisel veri görüntülendi", "Personal data viewed"),
        "intake.ErasureOrdered" => ("Kişisel verilerin silinmesi istendi", "Erasure ordered"),
        "intake.PersonalDataErased" => ("Kişisel veriler silindi", "Personal data erased"),
        "intake.KeyEpochBegan" => ("Yeni ana anahtar dönemi", "A new master key's epoch began"),
        "intake.KeyEpochDestroyed" => ("Ana anahtar yok edildi", "A master key was destroyed"),
        "routing.UnitDefined" => ("Birim tanımlandı", "Unit defined"),
        "routing.UnitChanged" => ("Birim değişti", "Unit changed"),
        "routing.TopicDefined" => ("Konu tanımlandı", "Topic defined"),
        "routing.TopicChanged" => ("Konu değişti", "Topic changed"),
        "routing.RequestRouted" => ("Birime yönlendirildi", "Routed to a unit"),
        "routing.RequestRoutedManually" => ("Elle yönlendirildi", "Routed by hand"),
        "routing.RequestReturned" => ("İade edildi", "Returned"),
        "routing.RequestAccepted" => ("Kabul edildi", "Accepted"),
        "routing.RequestAssigned" => ("Atandı", "Assigned"),
        "routing.WorkStarted" => ("Çalışma başladı", "Work started"),
        "routing.RequestPlanned" => ("Programa alındı", "Planned"),
        "routing.RequestReferred" => ("Dış kuruma sevk edildi", "Referred outside"),
        "routing.RequestConcluded" => ("Sonuçlandırıldı", "Concluded"),
        "routing.RequestReopened" => ("Yeniden açıldı", "Reopened"),
        "routing.CommentAdded" => ("Not eklendi", "Comment added"),
        "routing.InformationAsked" => ("Vatandaştan bilgi istendi", "The citizen was asked"),
        "routing.CitizenWrote" => ("Vatandaş yazdı", "The citizen wrote"),
        "notification.NotificationRequested" => ("Bildirim istendi", "Notification requested"),
        "notification.NotificationSkipped" => ("Bildirim yapılmadı", "Notification skipped"),
        "notification.NotificationAttempted" => ("Bildirim denendi", "Notification attempted"),
        "notification.NotificationDelivered" => ("Bildirim iletildi", "Notification delivered"),
        "notification.NotificationFailed" => ("Bildirim iletilemedi", "Notification failed"),
        "ledger.ReactionParked" => ("İşlem beklemeye alındı", "Reaction parked"),
        "ledger.ReactionRetried" => ("İşlem yeniden denendi", "Reaction retried"),
        "ledger.LogForked" => ("Kayıt defteri çatallandı", "Log forked"),
        other => return other,
    };
    match language {
        Language::Tr => tr,
        Language::En => en,
    }
}
